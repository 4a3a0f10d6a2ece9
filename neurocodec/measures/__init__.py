"""Measures of a coded picture: thin over well-kept libraries."""
