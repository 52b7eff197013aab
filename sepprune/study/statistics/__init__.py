"""Statistics of listening tests. What scipy has is taken from scipy; nothing here knows studies or files."""
