"""Fixtures of the tests of whole commands."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
import torch

from difface_cli import models
from difface_cli.models import Ready
from difface_cli.weights.registry import Model, Registry


@pytest.fixture(autouse=True, scope="package")
def _networks_are_loaded_once() -> Iterator[None]:
    """The networks of the package: no command changes them, and each would read them again."""
    load = models.load
    loaded: list[tuple[Any, Ready]] = []

    def once(
        registry: Registry, model: Model, device: torch.device, dtype: torch.dtype, **wishes: Any
    ) -> Ready:
        parts = [registry.weights[name] for name in model.parts.values()]
        embedded = all(source.kind == "package" for part in parts for source in part.sources)
        if wishes.get("compiled") or not embedded:
            return load(registry, model, device, dtype, **wishes)
        key = (model, parts, device, dtype, wishes)
        known = [ready for other, ready in loaded if other == key]
        if not known:
            known.append(load(registry, model, device, dtype, **wishes))
            loaded.append((key, known[0]))
        return known[0]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(models, "load", once)
        yield
