"""What reports show: from results and their records to a `report.Page`.

`restored` has the page of a restored photo, `swept` that of a sweep, `shared` what both show.
"""

from __future__ import annotations

from difface_cli.report.exhibits.restored import restoration
from difface_cli.report.exhibits.swept import sweep

__all__ = ["restoration", "sweep"]
