"""What scripts/vectors writes, one module for each file."""
