"""How often each picture is shown, so that groups of people and kinds of pictures count evenly."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

MANIFEST = "manifest.json"
ROUNDS = 50
LEAST, MOST = 0.25, 4.0  # times the average: no face is lost, and none seen over and over


def labels(paths: Sequence[Path]) -> list[Mapping[str, Any]]:
    """What the manifests beside the pictures' folders say of each; nothing where there is none.

    A manifest is a list of objects with an `id`, the stem of a picture's name.
    """
    known: dict[Path, dict[str, Mapping[str, Any]]] = {}
    for folder in {path.parent for path in paths}:
        places = (folder / MANIFEST, folder.parent / MANIFEST)
        file = next((place for place in places if place.is_file()), None)
        entries = json.loads(file.read_text(encoding="utf-8")) if file else []
        known[folder] = {str(entry["id"]): entry for entry in entries}
    return [known[path.parent].get(path.stem, {}) for path in paths]


def weights(
    entries: Sequence[Mapping[str, Any]], shares: Mapping[str, Mapping[str, float]]
) -> Floats:
    """How often each picture is shown, (n,), 1 on average.

    Iterative proportional fitting (Deming & Stephan 1940): the weights of one key's groups are
    brought to their shares, then the next key's, and again. Pictures whose value of a key is not
    among its shares keep what they have together.

    Args:
        entries: of the pictures' manifest, see `labels`.
        shares: key of the manifest → value, as text in lower case → share, of any sum.
    """
    w = np.ones(len(entries))
    groups = []
    for key, parts in shares.items():
        values = np.array([str(entry.get(key, "")).lower() for entry in entries])
        groups.append([(values == value, share) for value, share in parts.items()])
    for _ in range(ROUNDS):
        for parts_of_key in groups:
            present = [(mask, share) for mask, share in parts_of_key if mask.any()]
            whole = sum(w[mask].sum() for mask, _ in present)
            of = sum(share for _, share in present)
            for mask, share in present:
                w[mask] *= whole * share / of / w[mask].sum()
        w = np.clip(w / w.mean(), LEAST, MOST)
    for _ in range(ROUNDS):  # clipping moves the mean, and the mean what is to be clipped
        w = np.clip(w / w.mean(), LEAST, MOST)
    return w


def split(paths: Sequence[Path], share: float) -> tuple[list[Path], list[Path]]:
    """Pictures to learn from, and those kept apart: about `share` of the people with all theirs.

    A hash of the person (or of the picture, where the manifest names none) decides, so that a
    picture stays on its side whatever others there are.
    """
    learned: list[Path] = []
    kept: list[Path] = []
    for path, entry in zip(paths, labels(paths), strict=True):
        who = f"person {entry['person']}" if entry.get("person") else path.stem
        draw = int.from_bytes(hashlib.sha256(who.encode()).digest()[:4], "big") / 2**32
        (kept if draw < share else learned).append(path)
    return learned, kept


def order(w: Floats, rng: np.random.Generator) -> npt.NDArray[np.int64]:
    """One epoch: n numbers of pictures, each as often as its weight says, up to rounding.

    Systematic sampling: a comb of n teeth over the summed weights. With equal weights every
    picture comes once.
    """
    if (w == w[0]).all():
        return rng.permutation(len(w))
    ends = np.cumsum(w) / w.sum() * len(w)
    teeth = np.arange(len(w)) + rng.random()
    return rng.permutation(np.minimum(np.searchsorted(ends, teeth), len(w) - 1))
