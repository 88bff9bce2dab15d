"""All that is fuzzed, by name."""

from __future__ import annotations

from . import of_networks, of_pictures, of_records

TARGETS = {**of_pictures.TARGETS, **of_networks.TARGETS, **of_records.TARGETS}
