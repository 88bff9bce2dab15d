"""Whether a face may be restored, from which N, and how far the result can be trusted."""
