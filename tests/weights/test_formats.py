"""Files by what they are: nothing in them runs, and damage is told from content."""

from __future__ import annotations

import os
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from scipy.io import savemat

from difface_cli.base.errors import WeightsInvalid
from difface_cli.weights import formats

STATE = {"a.weight": torch.arange(6.0).reshape(2, 3), "a.steps": torch.tensor(3)}


class Payload:
    def __init__(self, marker: Path) -> None:
        self.marker = marker

    def __reduce__(self) -> tuple[Any, ...]:
        return os.system, (f"touch {self.marker}",)


def same(read: dict[str, torch.Tensor]) -> bool:
    return read.keys() == STATE.keys() and all(torch.equal(read[k], STATE[k]) for k in STATE)


@pytest.mark.parametrize("wrapped", [None, "state_dict", "params", "params_ema"])
@pytest.mark.parametrize("prefix", ["", "module."])
@pytest.mark.parametrize("zipped", [True, False])
def test_every_wrapping_is_taken_off(
    tmp_path: Path, wrapped: str | None, prefix: str, zipped: bool
) -> None:
    path = tmp_path / "x.pth"
    state: Any = {prefix + name: tensor for name, tensor in STATE.items()}
    state = {wrapped: state, "epoch": 3} if wrapped else state
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    assert same(formats.read(path))


def test_safetensors_are_known_by_content(tmp_path: Path) -> None:
    path = tmp_path / "x.part"
    save_file(STATE, path)
    assert same(formats.read(path))


@pytest.mark.parametrize("protocol", [2, 4])
@pytest.mark.parametrize("zipped", [True, False])
def test_a_payload_does_not_run(tmp_path: Path, zipped: bool, protocol: int) -> None:
    marker, path = tmp_path / "ran", tmp_path / "x.pth"
    bad = {**STATE, "b": Payload(marker)}
    torch.save(bad, path, _use_new_zipfile_serialization=zipped, pickle_protocol=protocol)
    with pytest.raises(WeightsInvalid, match="run code"):
        formats.read(path)
    assert not marker.exists()
    torch.load(path, weights_only=False)  # the payload is a live one
    assert marker.exists()


def test_a_pickle_called_safetensors_is_refused(tmp_path: Path) -> None:
    marker = tmp_path / "ran"
    zipped, bare = tmp_path / "x.safetensors", tmp_path / "y.safetensors"
    torch.save(STATE, zipped)
    bare.write_bytes(pickle.dumps(Payload(marker)))
    for path in (zipped, bare):
        with pytest.raises(WeightsInvalid, match="is a pickle"):
            formats.read(path)
    lying = tmp_path / "download.part"
    zipped.rename(lying)
    with pytest.raises(WeightsInvalid, match="is a pickle"):
        formats.read(lying, name="model.safetensors")
    assert not marker.exists()


@pytest.mark.parametrize("name", ["x.safetensors", "x.part"])
def test_a_header_that_claims_100_gb(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(struct.pack("<Q", 100 * 10**9) + b'{"a":' + bytes(100))
    with pytest.raises(WeightsInvalid, match="100,000,000,000 bytes"):
        formats.read(path)


def test_tensors_that_claim_more_than_the_file_has(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    header = b'{"a":{"dtype":"F32","shape":[25000000000],"data_offsets":[0,100000000000]}}'
    path.write_bytes(struct.pack("<Q", len(header)) + header + bytes(64))
    with pytest.raises(WeightsInvalid, match="damaged or cut off"):
        formats.read(path)


@pytest.mark.parametrize("suffix", [".pth", ".safetensors"])
@pytest.mark.parametrize("kept", [0, 5, 0.1, 0.5, 0.99])
def test_a_truncated_file(tmp_path: Path, suffix: str, kept: float) -> None:
    path = tmp_path / f"x{suffix}"
    torch.save(STATE, path) if suffix == ".pth" else save_file(STATE, path)
    size = path.stat().st_size
    os.truncate(path, int(kept * size) if isinstance(kept, float) else kept)
    with pytest.raises(WeightsInvalid):
        formats.read(path)


@pytest.mark.parametrize("content", [[1, 2], {}, {"a": 3}, {3: torch.zeros(1)}])
def test_anything_but_named_tensors_is_refused(tmp_path: Path, content: Any) -> None:
    torch.save(content, tmp_path / "x.pth")
    with pytest.raises(WeightsInvalid, match="no state dict"):
        formats.read(tmp_path / "x.pth")


def test_the_map_is_renewed_without_losing_a_tensor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(formats, "MAP_BYTES", 100)
    state = {f"t{i:02}": torch.full((i,), float(i)) for i in range(1, 30)}
    save_file(state, tmp_path / "x.safetensors")
    read = dict(formats.stream(tmp_path / "x.safetensors"))
    assert read.keys() == state.keys()
    assert all(torch.equal(read[name], state[name]) for name in state)


def test_numpys_arrays_are_read_without_their_pickles(tmp_path: Path) -> None:
    np.savez(tmp_path / "good.npz", a=np.arange(6.0).reshape(2, 3))
    read = formats.read(tmp_path / "good.npz")
    assert read["a"].dtype == torch.float64
    torch.testing.assert_close(read["a"], torch.arange(6.0, dtype=torch.float64).reshape(2, 3))
    np.savez(tmp_path / "bad.npz", a=np.array([{"code": 1}], object))
    (tmp_path / "cut.npz").write_bytes((tmp_path / "good.npz").read_bytes()[:-40])
    for name in ("bad.npz", "cut.npz"):
        with pytest.raises(WeightsInvalid):
            formats.read(tmp_path / name)


@pytest.mark.parametrize("error", [zipfile.BadZipFile("x"), IndexError(), AttributeError("y")])
def test_whatever_torch_raises_the_file_is_damaged(
    tmp_path: Path, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "x.pth"
    torch.save({"a": torch.ones(3)}, path)

    def load(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(WeightsInvalid, match="damaged"):
        formats.read(path)


def _spoiled(path: Path, at: int, wrong: bytes) -> Path:
    """A checkpoint with other bytes in its archive's list of files."""
    torch.save({"a": torch.ones(3)}, path)
    data = bytearray(path.read_bytes())
    entry = data.find(b"PK\x01\x02")
    data[entry + at : entry + at + len(wrong)] = wrong
    path.write_bytes(data)
    return path


def test_an_archive_whose_list_is_damaged_is_refused(tmp_path: Path) -> None:
    with pytest.raises(WeightsInvalid, match="damaged"):
        formats.read(_spoiled(tmp_path / "x.pth", 0, bytes(4)))


def test_an_archive_of_a_later_form_is_left_to_torch(tmp_path: Path) -> None:
    """Python's reader raises NotImplementedError."""
    state = formats.read(_spoiled(tmp_path / "x.pth", 6, b"\xff"))
    assert torch.equal(state["a"], torch.ones(3))


def test_files_of_matlab_are_left_where_they_lie(tmp_path: Path) -> None:
    path = tmp_path / "x.mat"
    savemat(path, {"a": np.arange(3)})
    with pytest.raises(WeightsInvalid, match="MATLAB") as told:
        formats.read(path)
    assert "with path" in told.value.hint
