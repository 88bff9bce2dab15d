"""Chains run together come out as they would alone, for the calls of the longest of them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from functools import partial

import pytest
import torch
from torch import Tensor

from difface_cli.method import samplers
from difface_cli.method.denoiser import Denoised, Denoiser, from_network
from difface_cli.method.difface import FaceNoise
from difface_cli.method.lockstep import Chain, lockstep
from difface_cli.method.schedule import linear, timesteps
from difface_cli.networks import build

SCHEDULE = linear()
STEPS = 5
NS = (20, 100, 333, 600)
UNET = {
    "image_size": 16, "in_channels": 3, "model_channels": 32, "out_channels": 3,
    "num_res_blocks": 1, "attention_resolutions": [8], "channel_mult": [1, 2],
    "num_head_channels": 32,
}  # fmt: skip


class Network:
    """Elementwise, so that a picture's bits cannot depend on its company; counts its calls."""

    def __init__(self, channels: int = 3) -> None:
        self.channels = channels
        self.asked: list[list[int]] = []

    def __call__(self, x: Tensor, t: Tensor) -> Tensor:
        self.asked.append(t.tolist())
        return torch.cat([x, x], dim=1)[:, : self.channels] * (t[:, None, None, None] + 1) / 800


def chain(
    n: int, sampler: str, denoise: Denoiser, steps: int = STEPS, faces: int = 3, size: int = 4
) -> Tensor:
    noise = FaceNoise(range(faces), like=torch.empty(faces, 3, size, size))
    x_n = SCHEDULE.q_sample(torch.full((faces, 3, size, size), 0.3), n, noise())
    sample = {"ddim": partial(samplers.ddim, eta=0.5), "ddpm": samplers.ddpm}[sampler]
    return sample(denoise, x_n, SCHEDULE, timesteps(n, steps), noise)


def chains(sampler: str = "ddim") -> list[Chain]:
    return [partial(chain, n, sampler) for n in NS]


def left_over() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "chain"]


@pytest.mark.parametrize(("sampler", "channels"), [("ddim", 3), ("ddpm", 3), ("ddpm", 6)])
def test_together_as_alone_to_the_last_bit(sampler: str, channels: int) -> None:
    denoise = from_network(Network(channels), SCHEDULE)
    together = lockstep(chains(sampler), denoise)
    for result, alone in zip(together, chains(sampler), strict=True):
        assert torch.equal(result, alone(denoise))
    assert len({result.sum().item() for result in together}) == len(NS)
    assert not left_over()


def test_the_calls_of_one_chain_serve_all_each_at_its_timestep() -> None:
    network = Network()
    lockstep(chains(), from_network(network, SCHEDULE))
    visited = [timesteps(n, STEPS)[::-1] for n in NS]
    assert network.asked == [[v[k] for v in visited for _ in range(3)] for k in range(STEPS)]


def test_a_unet_takes_each_picture_at_its_timestep() -> None:
    torch.manual_seed(0)
    network = build("unet", UNET)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    denoise = from_network(network, SCHEDULE)
    together = lockstep([partial(chain, n, "ddim", faces=1, size=16) for n in NS], denoise)
    for n, result in zip(NS, together, strict=True):
        alone = lockstep([partial(chain, n, "ddim", faces=1, size=16)], denoise)[0]
        torch.testing.assert_close(result, alone, atol=1e-5, rtol=0)


def test_longer_chains_go_on_without_the_others() -> None:
    network = Network()
    denoise = from_network(network, SCHEDULE)
    lengths = {2: 1, 5: 3, 4: 2}  # steps → pictures
    several: list[Chain] = [
        lambda denoise, s=steps, f=faces: chain(100, "ddim", denoise, s, f)  # type: ignore[misc]
        for steps, faces in lengths.items()
    ]
    silent = torch.ones(1)
    together = lockstep([*several, lambda denoise: silent], denoise)
    assert [len(asked) for asked in network.asked] == [6, 6, 5, 5, 3]
    assert together[-1] is silent
    for result, alone in zip(together, several, strict=False):
        assert torch.equal(result, alone(denoise))


def test_one_timestep_for_all_stays_an_int() -> None:
    asked: list[int | Sequence[int]] = []

    def denoise(x: Tensor, t: int | Sequence[int]) -> Denoised:
        asked.append(t)
        return Denoised(x, x)

    lockstep([partial(chain, 100, "ddim"), partial(chain, 100, "ddpm")], denoise)
    lockstep([partial(chain, 100, "ddim")], denoise)
    assert asked == [80, 60, 40, 20, 0] * 2


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt])
@pytest.mark.parametrize("call", [1, 3])
def test_a_network_that_fails_ends_every_chain(error: type[BaseException], call: int) -> None:
    network, ended = Network(), []

    def failing(x: Tensor, t: Tensor) -> Tensor:
        if len(network.asked) == call - 1:
            raise error("memory")
        return network(x, t)

    def watched(run: Chain, denoise: Denoiser) -> Tensor:
        try:
            return run(denoise)
        finally:
            ended.append(run)

    with pytest.raises(error, match="memory"):
        lockstep([partial(watched, run) for run in chains()], from_network(failing, SCHEDULE))
    assert len(network.asked) == call - 1
    assert len(ended) == len(NS)
    assert not left_over()


@pytest.mark.parametrize("place", [0, 2, 4])
def test_a_chain_that_fails_ends_the_others(place: int) -> None:
    def broken(denoise: Denoiser) -> Tensor:
        denoise(torch.zeros(1, 3, 4, 4), 0)
        raise ValueError("broken")

    network, several = Network(), chains()
    several.insert(place, broken)
    with pytest.raises(ValueError, match="broken"):
        lockstep(several, from_network(network, SCHEDULE))
    assert len(network.asked) == 1
    assert not left_over()


def test_no_chain_records_gradients() -> None:
    weight = torch.ones((), requires_grad=True)
    results = lockstep(chains(), from_network(lambda x, t: weight * x, SCHEDULE))
    assert not any(result.requires_grad for result in results)
