"""The ready-made families, a folder each."""
