"""Fetching through the real client of the hub, and from addresses: checked, converted, recorded."""

from __future__ import annotations

import hashlib
import json
import multiprocessing
import os
import signal
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save

from difface_cli.base.errors import DifFaceError, OutputError, WeightsInvalid, WeightsMissing
from difface_cli.base.hashing import sha256
from difface_cli.weights import convert, lock, places, store
from difface_cli.weights.download import Patience
from difface_cli.weights.fetch import Way, fetch, is_here
from difface_cli.weights.registry import Source, Weights
from tests.weights.conftest import Checkpoint
from tests.weights.hub import REVISION, Fault, Hub
from tests.weights.test_formats import Payload

WAY = Way(patience=Patience(timeout=60, tries=3, pause=0.01))
FORK = multiprocessing.get_context("fork")


def sha(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def of_hub(content: bytes, file: str = "net.pth", known: bool = True, **more: object) -> Source:
    digest, size = (sha(content), len(content)) if known else ("", 0)
    return Source("hf", "who/net", file, REVISION, size=size, sha256=digest, **more)  # type: ignore[arg-type]


def of_url(hub: Hub, content: bytes, known: bool = True) -> Source:
    digest, size = (sha(content), len(content)) if known else ("", 0)
    return Source("url", f"{hub.url}/net.pth", size=size, sha256=digest)


@pytest.fixture(scope="module")
def content(unet: Checkpoint) -> bytes:
    return unet.pickled({"state_dict": {f"module.{k}": v for k, v in unet.state.items()}})


@pytest.fixture(params=["hf", "url"])
def known(request: pytest.FixtureRequest, hub: Hub, unet: Checkpoint, content: bytes) -> Weights:
    """Weights with a published hash, once on the hub and once at an address."""
    hub.files["/net.pth"] = content
    hub.add("who/net", "net.pth", content)
    return unet.at(of_hub(content) if request.param == "hf" else of_url(hub, content))


def arrived(path: Path, unet: Checkpoint) -> bool:
    with safe_open(path, "pt") as f:
        return all(torch.equal(f.get_tensor(k), v) for k, v in unet.state.items())


def served(hub: Hub, content: bytes) -> None:
    """Let both sources bring this from now on."""
    hub.files["/net.pth"] = content
    hub.add("who/net", "net.pth", content)


def test_fetched_once_and_verified(hub: Hub, known: Weights, unet: Checkpoint, home: Path) -> None:
    assert not is_here(known)
    path = fetch(known, WAY)
    assert arrived(path, unet)
    assert home in path.parents
    before = len(hub.asked)
    assert fetch(known, WAY) == path == store.verified(known)
    assert len(hub.asked) == before
    assert lock.read().files[path.name].source_sha256 == known.sources[0].sha256


@pytest.mark.parametrize("repo_type", ["model", "space", "dataset"])
def test_the_hub_is_asked_as_its_client_asks(
    hub: Hub,
    unet: Checkpoint,
    content: bytes,
    home: Path,
    repo_type: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    path = hub.add("who/net", "deep/net.pth", content, repo_type)
    weights = unet.at(of_hub(content, "deep/net.pth", repo_type=repo_type))
    seen: list[tuple[str, int, int]] = []
    fetch(weights, WAY, lambda *told: seen.append(told))
    assert [method for method, asked, _ in hub.asked if asked == path] == ["HEAD"]
    assert len(hub.gets()) == 1
    assert not any("authorization" in headers for _, _, headers in hub.asked)
    assert ("net.pth", len(content), len(content)) in seen
    assert list((home / "hub").glob("*/snapshots/*/deep/net.pth"))


def test_broken_hub_downloads_are_tried_again(
    hub: Hub, unet: Checkpoint, content: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_DOWNLOAD_TIMEOUT", 1)
    monkeypatch.setattr("huggingface_hub.file_download.time.sleep", lambda _: None)
    hub.add("who/net", "net.pth", content)
    hub.faults[f"/blobs/{sha(content)}"] = [Fault(cut=100_000), Fault(cut=50_000, stall=True)]
    assert arrived(fetch(unet.at(of_hub(content)), WAY), unet)
    assert len(hub.gets()) == 3


@pytest.mark.parametrize(
    ("fault", "message"),
    [
        (Fault(status=401, code="RepoNotFound"), "no such public repository"),
        (Fault(status=401), "no such public repository|answers 401"),
        (Fault(status=403, code="GatedRepo"), "agreement"),
        (Fault(status=404, code="RepoNotFound"), "no such public repository"),
        (Fault(status=404, code="RevisionNotFound"), "no such revision"),
        (Fault(status=404, code="EntryNotFound"), "no such file"),
        (Fault(status=418), "cannot be reached|answers 418"),
    ],
)
def test_refusals_of_the_hub(
    hub: Hub, unet: Checkpoint, content: bytes, fault: Fault, message: str
) -> None:
    hub.faults[hub.add("who/net", "net.pth", content)] = [fault] * 2
    weights = unet.at(of_hub(content))
    with pytest.raises(WeightsMissing, match=message):
        fetch(weights, WAY)
    hub.faults.clear()
    assert arrived(fetch(weights, WAY), unet)


def test_a_page_that_is_no_hub(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    path = hub.add("who/net", "net.pth", content)
    hub.faults[path] = [Fault(location="/elsewhere")] * 9
    with pytest.raises(WeightsMissing, match="cannot be fetched"):
        fetch(unet.at(of_hub(content)), WAY)


def test_the_hub_sends_more_than_it_should(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    hub.add("who/net", "net.pth", content + bytes(20_000_000))
    with pytest.raises(WeightsMissing, match="sends more than"):
        fetch(unet.at(of_hub(content)), WAY)


def test_the_next_source_is_tried(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    hub.files["/net.pth"] = content
    weights = unet.at(of_hub(content), of_url(hub, content))
    assert arrived(fetch(weights, WAY), unet)
    gone = unet.at(of_hub(content, "a.pth"), of_hub(content, "b.pth"))
    with pytest.raises(WeightsMissing, match=r"\(1\).*a\.pth.*\(2\).*b\.pth"):
        fetch(replace(gone, name="gone"), WAY)


def test_another_file_of_the_same_length_is_refused(
    hub: Hub, known: Weights, content: bytes, unet: Checkpoint
) -> None:
    served(hub, content[:-1] + b"\xff")
    with pytest.raises(WeightsInvalid, match="sha256 is"):
        fetch(known, WAY)
    assert not is_here(known)
    served(hub, content)
    assert arrived(fetch(known, WAY), unet)


def test_a_truncated_file_is_refused(
    hub: Hub, known: Weights, content: bytes, unet: Checkpoint
) -> None:
    served(hub, content[:-1000])
    with pytest.raises((WeightsInvalid, WeightsMissing), match="bytes"):
        fetch(known, WAY)
    assert not is_here(known)
    served(hub, content)
    assert arrived(fetch(known, WAY), unet)


def test_safetensors_of_the_hub_are_taken_as_they_are(hub: Hub, unet: Checkpoint) -> None:
    content = save(unet.state)
    hub.add("who/net", "net.safetensors", content)
    assert arrived(fetch(unet.at(of_hub(content, "net.safetensors")), WAY), unet)


def test_a_file_damaged_in_the_hubs_cache_is_fetched_again(
    hub: Hub, unet: Checkpoint, content: bytes, home: Path
) -> None:
    hub.add("who/net", "net.pth", content)
    weights = unet.at(of_hub(content))
    fetch(weights, WAY).unlink()
    (blob,) = (home / "hub").glob("*/blobs/*")
    os.truncate(blob, 1000)
    assert arrived(fetch(weights, WAY), unet)
    assert len(hub.gets()) == 2


def test_the_first_fetch_is_trusted_and_later_ones_must_agree(
    hub: Hub, unet: Checkpoint, content: bytes
) -> None:
    hub.files["/net.pth"] = content
    weights = unet.at(of_url(hub, content, known=False))
    path = fetch(weights, WAY)
    assert lock.read().sources[str(weights.sources[0])] == sha(content)
    assert store.fingerprint(weights) == sha(content)
    path.unlink()
    other = unet.pickled({k: v + 1 for k, v in unet.state.items()})
    hub.files["/net.pth"] = other
    with pytest.raises(WeightsInvalid, match="recorded in"):
        fetch(weights, WAY)
    hub.files["/net.pth"] = content
    assert arrived(fetch(weights, WAY), unet)


def test_a_first_fetch_that_fails_is_not_trusted(
    hub: Hub, unet: Checkpoint, content: bytes, tmp_path: Path
) -> None:
    marker = tmp_path / "ran"
    hub.files["/net.pth"] = unet.pickled({**unet.state, "x": Payload(marker)})
    weights = unet.at(of_url(hub, content, known=False))
    with pytest.raises(WeightsInvalid, match="run code"):
        fetch(weights, WAY)
    assert not marker.exists()
    hub.files["/net.pth"] = content
    assert arrived(fetch(weights, WAY), unet)


def test_a_pickle_called_safetensors_is_refused(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    hub.add("who/net", "net.safetensors", content)
    with pytest.raises(WeightsInvalid, match="is a pickle"):
        fetch(unet.at(of_hub(content, "net.safetensors")), WAY)


def test_files_at_hand_are_taken_by_name(
    home: Path, unet: Checkpoint, content: bytes, tmp_path: Path
) -> None:
    weights = unet.at(of_hub(content, "deep/net.pth"))
    way = Way(folder=tmp_path)
    with pytest.raises(WeightsMissing, match=r"has no net\.pth"):
        fetch(weights, way)
    (tmp_path / "net.pth").write_bytes(content[:-1])
    with pytest.raises(WeightsInvalid, match="bytes"):
        fetch(weights, way)
    (tmp_path / "net.pth").write_bytes(content)
    assert arrived(fetch(weights, way), unet)
    assert (tmp_path / "net.pth").exists()


def test_offline_nothing_is_asked(
    hub: Hub, known: Weights, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(WeightsMissing, match="no connection is wanted"):
        fetch(known, WAY)
    monkeypatch.delenv("HF_HUB_OFFLINE")
    with pytest.raises(WeightsMissing, match="no connection is wanted"):
        fetch(known, replace(WAY, offline=True))
    assert not hub.asked


def test_offline_the_hubs_cache_still_serves(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    hub.add("who/net", "net.pth", content)
    weights = unet.at(of_hub(content))
    fetch(weights, WAY).unlink()
    before = len(hub.asked)
    assert arrived(fetch(weights, replace(WAY, offline=True)), unet)
    assert len(hub.asked) == before


def test_a_full_disk_and_the_run_after_it(
    hub: Hub, known: Weights, unet: Checkpoint, small_disk: Callable[[int], None]
) -> None:
    small_disk(200_000)
    with pytest.raises(OutputError, match="cannot be written"):
        fetch(known, WAY)
    small_disk(-1)
    assert arrived(fetch(known, WAY), unet)


def test_a_read_only_cache(
    hub: Hub, known: Weights, monkeypatch: pytest.MonkeyPatch, unet: Checkpoint
) -> None:
    folder = Path(tempfile.mkdtemp())
    monkeypatch.setenv("DIFFACE_HOME", str(folder))
    path = fetch(known, WAY)
    for each in [folder, *folder.rglob("*")]:
        each.chmod(0o555 if each.is_dir() else 0o444)
    other = replace(known, name="other")
    if os.geteuid() == 0:
        os.seteuid(65534)
    try:
        assert fetch(known, WAY) == path
        with pytest.raises(OutputError, match="cannot be written") as caught:
            fetch(other, WAY)
    finally:
        if os.getuid() == 0:
            os.seteuid(0)
        for each in [folder, *folder.rglob("*")]:
            each.chmod(0o755)
    assert "DIFFACE_HOME" in caught.value.hint
    assert arrived(fetch(other, WAY), unet)


def test_a_changed_file_is_refused_and_mended(hub: Hub, known: Weights, unet: Checkpoint) -> None:
    path = fetch(known, WAY)
    with path.open("r+b") as f:
        f.seek(-1, os.SEEK_END)
        f.write(b"\xff")
    with pytest.raises(WeightsInvalid, match="has changed") as caught:
        store.verified(replace(known, model="portraits"))
    assert caught.value.hint == "Run: difface fetch-weights portraits"
    assert arrived(fetch(known, WAY), unet)


def test_a_registry_that_names_another_file_wants_it_fetched(
    hub: Hub, unet: Checkpoint, content: bytes
) -> None:
    hub.files["/net.pth"] = content
    fetch(unet.at(of_url(hub, content)), WAY)
    other = unet.pickled({k: v + 1 for k, v in unet.state.items()})
    with pytest.raises(WeightsInvalid, match="made from another file"):
        store.verified(unet.at(of_url(hub, other)))


def test_missing_weights_name_the_command(home: Path, unet: Checkpoint, content: bytes) -> None:
    with pytest.raises(WeightsMissing) as caught:
        store.verified(replace(unet.at(of_hub(content)), model="portraits"))
    assert caught.value.hint == "Run: difface fetch-weights portraits"


@pytest.mark.parametrize("text", ["{", "[" * 10**5])
def test_a_damaged_lock_file_says_what_to_do(
    home: Path, unet: Checkpoint, content: bytes, text: str
) -> None:
    home.mkdir()
    lock.path().write_text(text)
    weights = unet.at(of_hub(content))
    places.converted(weights).parent.mkdir()
    places.converted(weights).touch()
    with pytest.raises(WeightsInvalid, match=r"models\.lock") as caught:
        store.verified(weights)
    assert "Delete it" in caught.value.hint


def run_until(ready: Callable[[], bool], weights: Weights) -> None:
    """Fetch in a process of its own and kill it when `ready`."""
    process = FORK.Process(target=fetch, args=(weights, Way()))
    process.start()
    while not ready() and process.is_alive():
        time.sleep(0.01)
    assert ready()
    os.kill(process.pid or 0, signal.SIGKILL)
    process.join()
    assert process.exitcode == -signal.SIGKILL


def test_killed_in_mid_download(hub: Hub, known: Weights, unet: Checkpoint, home: Path) -> None:
    slow = Fault(cut=300_000, stall=True)
    path = "/net.pth" if known.sources[0].kind == "url" else f"/blobs/{known.sources[0].sha256}"
    hub.faults[path] = [slow]

    def part_is_there() -> bool:
        parts = [*home.glob("downloads/*.part"), *home.glob("hub/*/blobs/*.incomplete")]
        return path in hub.gets() and bool(parts)

    run_until(part_is_there, known)
    assert not is_here(known)
    assert arrived(fetch(known, WAY), unet)


def test_killed_in_mid_conversion(
    hub: Hub, known: Weights, unet: Checkpoint, home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def half(tensors: object, path: Path, metadata: object) -> None:
        path.write_bytes(b"half a file")
        time.sleep(600)

    monkeypatch.setattr(convert, "save_file", half)
    run_until(lambda: any(p.stat().st_size for p in home.glob("weights/.*.part")), known)
    monkeypatch.undo()
    monkeypatch.setenv("DIFFACE_HOME", str(home))
    monkeypatch.setenv("HF_ENDPOINT", hub.url)
    assert not is_here(known)
    assert arrived(fetch(known, WAY), unet)
    assert len(hub.gets()) == 1  # what was downloaded is not downloaded again
    assert not list(home.glob("weights/.*"))


def test_two_processes_fetch_once(hub: Hub, known: Weights, unet: Checkpoint) -> None:
    processes = [FORK.Process(target=fetch, args=(known, WAY)) for _ in range(3)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert len(hub.gets()) == 1
    assert arrived(store.verified(known), unet)


def test_every_error_names_a_next_step(hub: Hub, unet: Checkpoint, content: bytes) -> None:
    for weights in (unet.at(of_hub(content)), unet.at(of_url(hub, content))):
        with pytest.raises(DifFaceError) as caught:
            fetch(weights, WAY)
        assert caught.value.hint


def test_the_record_is_readable(hub: Hub, known: Weights) -> None:
    path = fetch(known, WAY)
    content = json.loads(lock.path().read_text())
    assert content["files"][path.name]["sha256"] == sha256(path)
