"""Local files: nothing is used before its hash was compared."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from difface_cli.base.errors import WeightsInvalid, WeightsMissing
from difface_cli.weights import registry, store
from difface_cli.weights.registry import Source, Weights


def weights(path: Path, sha256: str) -> Weights:
    source = Source("path", str(path), sha256=sha256)
    return Weights("mine", "prior", "unet", sources=(source,), sha256=sha256)


def test_the_right_file_is_given(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"abc")
    assert store.verified(weights(path, hashlib.sha256(b"abc").hexdigest())) == path


def test_another_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"abd")
    with pytest.raises(WeightsInvalid, match=str(path)):
        store.verified(weights(path, hashlib.sha256(b"abc").hexdigest()))


def test_without_a_hash_the_line_to_add_is_given(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(b"abc")
    with pytest.raises(WeightsInvalid) as caught:
        store.verified(weights(path, ""))
    assert f'sha256 = "{hashlib.sha256(b"abc").hexdigest()}"' in caught.value.hint


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(WeightsMissing, match="gone"):
        store.verified(weights(tmp_path / "gone", "0" * 64))


def test_the_first_source_that_is_here_counts(tmp_path: Path) -> None:
    sources = [Source("path", str(tmp_path / name), sha256="0" * 64) for name in "abc"]
    (tmp_path / "b").touch()
    (tmp_path / "c").touch()
    assert store.find(Weights("w", "prior", "unet", sources=tuple(sources))) == tmp_path / "b"


def test_the_starter_needs_no_fetching(home: Path) -> None:
    known = registry.load()
    model = known.model("starter")
    for part in model.parts:
        found = known.part(model, part)
        assert found is not None
        assert store.find(found).is_file()
    assert not home.exists()
