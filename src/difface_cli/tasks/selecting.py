"""Of several samples of a face, the one that is kept, put first."""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

from difface_cli.models import Ready
from difface_cli.tasks.options import Options
from difface_cli.tasks.records import Crops, Drawn, Prepared
from difface_cli.trust import choosing
from difface_cli.trust.choosing import Choice

T = TypeVar("T")


def select(
    prepared: Prepared, drawn: Drawn, ready: Ready, options: Options
) -> tuple[Prepared, Drawn]:
    """Both with the chosen sample of each face, and its seed, put first.

    Raises:
        ValueError: for a choice by identity without the network that tells it.
    """
    choices = {
        crops.index: choosing.choose(
            crops.original, crops.restored[: options.samples], options.choose, ready.likeness
        )
        for crops in drawn.crops
    }
    found = tuple(
        replace(f, choice=choice, seeds=_first(f.seeds, choice))
        if (choice := choices.get(f.index))
        else f
        for f in prepared.found
    )
    crops = tuple(_reordered(crops, choices[crops.index]) for crops in drawn.crops)
    return replace(prepared, found=found), replace(drawn, crops=crops)


def _reordered(crops: Crops, choice: Choice) -> Crops:
    return replace(crops, restored=_first(crops.restored, choice))


def _first(items: tuple[T, ...], choice: Choice) -> tuple[T, ...]:
    k = choice.sample
    return (items[k], *items[:k], *items[k + 1 :])
