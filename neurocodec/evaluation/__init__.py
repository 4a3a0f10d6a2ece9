"""Evaluation: rate–accuracy curves, BD-rate with confidence, reports."""
