"""External programs, one file each: how to find it, and a function that knows its quirks."""
