"""Sets of degraded pictures with known truths, which can be made again bit for bit.

`treatment` decides what is done to one picture and does it, `manifest` writes it down and reads
it back, `folders` names the pictures of a set.
"""

from __future__ import annotations

from difface_cli.degradations.sets.treatment import NO_RECIPE, Plan, Treatment, apply, treatment

__all__ = ["NO_RECIPE", "Plan", "Treatment", "apply", "treatment"]
