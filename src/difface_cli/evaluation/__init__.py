"""Folders of results held against the truth: what is measured, kept, summed up and compared."""
