"""The command line: it parses, calls and reports, and alone knows Typer and rich."""
