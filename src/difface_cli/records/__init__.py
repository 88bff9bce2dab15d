"""The record beside each result, and a run read back from it."""
