"""Losses as plain functions on tensors, each with its formula."""
