"""Evaluation: rate–accuracy curves, results, BD-rate with confidence."""
