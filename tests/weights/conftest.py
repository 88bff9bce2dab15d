"""One server for all, a cache of its own for each test, and tiny checkpoints as published."""

from __future__ import annotations

import io
import json
import os
import resource
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from torch import Tensor

from difface_cli.weights.registry import Source, Weights
from tests.weights.hub import Hub, serving

os.environ["HF_HUB_DOWNLOAD_TIMEOUT"] = "60"  # read when huggingface_hub is imported
os.environ["HF_HUB_ETAG_TIMEOUT"] = "60"
NETWORKS = {"unet_plain": "unet", "swinir": "swinir", "lama": "lama"}


@pytest.fixture(scope="session")
def server() -> Iterator[Hub]:
    with serving() as hub:
        yield hub


@pytest.fixture
def hub(server: Hub, home: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Hub]:
    server.reset()
    monkeypatch.setenv("HF_ENDPOINT", server.url)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    yield server
    server.ended.set()


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """`DIFFACE_HOME`, empty."""
    monkeypatch.setenv("DIFFACE_HOME", str(tmp_path / "home"))
    monkeypatch.delenv("HF_HUB_OFFLINE", raising=False)
    return tmp_path / "home"


class Checkpoint:
    """A tiny network's parameters and the weights record that fits them."""

    def __init__(self, golden: Path, name: str) -> None:
        with safe_open(golden / f"{name}.safetensors", "pt") as f:
            self.state: dict[str, Tensor] = {
                key.removeprefix("model."): f.get_tensor(key)
                for key in f.keys()  # noqa: SIM118
                if key.startswith("model.")
            }
            params = json.loads(f.metadata()["config"])
        network = NETWORKS[name]
        part = "prior" if network == "unet" else "estimator"
        self.weights = Weights(f"tiny-{network}", part, network, params, licence="MIT")

    def pickled(self, state: object = None) -> bytes:
        buffer = io.BytesIO()
        torch.save(self.state if state is None else state, buffer)
        return buffer.getvalue()

    def at(self, *sources: Source) -> Weights:
        return Weights(
            self.weights.name,
            self.weights.part,
            self.weights.network,
            self.weights.params,
            sources=sources,
            licence="MIT",
        )


@pytest.fixture(scope="session")
def checkpoint(golden: Path) -> Callable[[str], Checkpoint]:
    return lambda name: Checkpoint(golden, name)


@pytest.fixture(scope="session")
def unet(golden: Path) -> Checkpoint:
    return Checkpoint(golden, "unet_plain")


@pytest.fixture
def small_disk() -> Iterator[Callable[[int], None]]:
    """Call it to let no file grow beyond so many bytes; a real error of the system's."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)
