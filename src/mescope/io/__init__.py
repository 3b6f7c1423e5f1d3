"""Files that are whole or absent, the cache of what is slow to compute, and parallel jobs."""
