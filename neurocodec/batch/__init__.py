"""Many pictures: which files, grouped how, worked on by which engine."""
