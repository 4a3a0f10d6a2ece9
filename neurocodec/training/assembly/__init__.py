"""Trainings put together from what the command line says: a file a command."""
