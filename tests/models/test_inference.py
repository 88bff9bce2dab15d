"""Networks made ready say what they said before."""

from __future__ import annotations

import copy
from functools import partial
from typing import Any

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


NEEDS_CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")


class TestCompiled:
    """--compile: where it is quick with the real one, else with the compiler replaced."""

    @pytest.fixture
    def network(self) -> nn.Module:
        torch.manual_seed(0)
        layers = nn.Conv2d(3, 4, 3, padding=1), nn.SiLU(), nn.Conv2d(4, 3, 3)
        return nn.Sequential(*layers).requires_grad_(False)

    @pytest.mark.parametrize(
        "backend", ["eager", pytest.param("inductor", marks=pytest.mark.heavy)]
    )
    def test_a_translated_network_says_the_same(
        self, network: nn.Module, backend: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        graphs: list[object] = []
        translate = torch._dynamo.lookup_backend(backend)

        def noted(graph: Any, inputs: Any) -> Any:
            graphs.append(graph)
            return translate(graph, inputs)

        monkeypatch.setattr("torch.compile", partial(torch.compile, backend=noted))
        compiled = inference.Compiled(network, CPU)
        for y in torch.rand(2, 1, 3, 8, 8):
            with torch.inference_mode():
                torch.testing.assert_close(compiled(y), network(y))
        assert len(graphs) == 1  # for both pictures

    @pytest.mark.heavy
    def test_a_compiler_that_does_not_work_is_one_sentence(
        self, network: nn.Module, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch._inductor.config.cpp.cxx", (None, "/bin/false"))
        with torch.inference_mode(), pytest.raises(DeviceError, match=r"C\+\+ compiler") as caught:
            inference.Compiled(network, CPU)(torch.rand(1, 3, 8, 8))
        assert "\n" not in caught.value.message

    @NEEDS_CUDA
    def test_a_result_on_cuda_outlives_the_next_run(self, network: nn.Module) -> None:
        cuda = torch.device("cuda")
        run = inference.Compiled(network.to(cuda), cuda)
        pictures = torch.rand(4, 1, 3, 8, 8, device=cuda)
        with torch.inference_mode():
            results = [run(y) for y in pictures]
            for result, y in zip(results, pictures, strict=True):
                torch.testing.assert_close(result, network(y), rtol=1e-2, atol=1e-2)

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
