"""`python -m difface_cli` is `difface`."""

from __future__ import annotations

from difface_cli.cli.app import main

if __name__ == "__main__":
    main()
