"""The trainers: one file a paper's algorithm, and what they share."""
