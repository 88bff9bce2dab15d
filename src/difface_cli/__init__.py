"""difface: blind face restoration with diffused error contraction."""

__version__ = "0.1.0"
