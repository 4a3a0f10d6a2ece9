"""Torch modules and the border between them and pictures. Nothing here is imported without need."""
