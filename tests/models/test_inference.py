"""Networks made ready say what they said before."""

from __future__ import annotations

import copy

import pytest
import torch
from torch import Tensor, nn

from difface_cli import networks
from difface_cli.base.errors import DeviceError
from difface_cli.models import inference
from difface_cli.networks.doubling import DoublingConv
from difface_cli.weights.registry import Weights

CPU = torch.device("cpu")
SRCNN = Weights("w", "estimator", "srcnn", params={"down_scale_factor": 2, "num_chns": 4})


def test_random_weights_are_always_the_same_and_leave_the_generator_alone() -> None:
    torch.manual_seed(3)
    expected = torch.rand(1)
    torch.manual_seed(3)
    one, two = inference.untrained(SRCNN).state_dict(), inference.untrained(SRCNN).state_dict()
    assert torch.equal(torch.rand(1), expected)
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_a_network_is_folded_on_the_cpu_and_says_the_same() -> None:
    params = {"img_size": 8, "embed_dim": 8, "depths": [2], "num_heads": [2], "window_size": 4,
              "num_feat": 8}  # fmt: skip
    network = networks.build("swinir", params)
    y = torch.rand(1, 3, 64, 64)
    ready = inference.ready(copy.deepcopy(network), CPU)
    layers = [m for m in ready.modules() if isinstance(m, DoublingConv)]
    assert len(layers) == 3
    assert all(layer.folded for layer in layers)
    with torch.inference_mode():
        torch.testing.assert_close(ready(y), network(y))


class TestCompiled:
    """--compile, with the compiler replaced."""

    def test_says_what_to_install_without_a_compiler(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr("shutil.which", lambda name: None)
        with pytest.raises(DeviceError, match=r"C\+\+ compiler.*Install"):
            inference.Compiled(nn.Identity(), CPU)

    def test_a_failing_compiler_is_one_sentence(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def refuse(*_: object, **__: object) -> object:
            def run(*_: Tensor) -> Tensor:
                raise torch._dynamo.exc.Unsupported("no such thing\nand more")

            return run

        monkeypatch.setattr("torch.compile", refuse)
        with pytest.raises(DeviceError, match=r"failed: no such thing\. Leave --compile out"):
            inference.Compiled(nn.Identity(), CPU)(torch.ones(1))

    def test_cuda_runs_in_graphs_whose_results_outlive_the_next_run(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        modes, place = [], torch.zeros(1)

        def graph(network: nn.Module, *, mode: str, dynamic: bool) -> object:
            modes.append(mode)
            return place.add_  # each run writes its result to the same place

        monkeypatch.setattr("torch.compile", graph)
        run = inference.Compiled(nn.Identity(), torch.device("cuda"))
        first, second = run(torch.ones(1)), run(torch.ones(1))
        assert modes == ["reduce-overhead"]
        assert (first.item(), second.item()) == (1, 2)
