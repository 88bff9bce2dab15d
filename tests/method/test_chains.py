"""Chains run together come out as they would alone, for the calls of the longest of them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import pytest
import torch
from torch import Tensor

from difface_cli.base.progress import NoProgress
from difface_cli.method import difface
from difface_cli.method.chains import Chain, contract_all
from difface_cli.method.denoiser import BatchDenoiser, Denoised, from_network
from difface_cli.method.difface import SAMPLERS, Settings
from difface_cli.method.guidance import Luma, Mask, refine
from difface_cli.method.samplers import Asked, Sampling, drive
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


class Steps(NoProgress):
    """Counts what the progress is shown."""

    def __init__(self) -> None:
        self.seen: list[str] = []

    def steps(self, iterable: Any, total: int, label: str) -> Iterator[Any]:
        for item in iterable:
            self.seen.append(f"{label} of {total}")
            yield item


def face(seed: int, size: int = 4) -> Tensor:
    return torch.rand(1, 3, size, size, generator=torch.Generator().manual_seed(seed))


def chain(settings: Settings, seed: int = 0, size: int = 4, known: Any = None) -> Chain:
    return Chain(face(seed, size), settings, seed, known)


def together(chains: Sequence[Chain], denoise: BatchDenoiser, **options: Any) -> Tensor:
    return contract_all(chains, denoise, SCHEDULE, NoProgress(), **options)


def alone(chain: Chain, denoise: BatchDenoiser) -> Tensor:
    return difface.contract(chain.f_y, denoise, SCHEDULE, chain.settings, [chain.seed])


def several(sampler: str = "ddim", size: int = 4) -> list[Chain]:
    """Three faces from each N."""
    kinds = [Settings(n, STEPS, sampler=sampler) for n in NS]
    return [chain(settings, i, size) for settings in kinds for i in range(3)]


@pytest.mark.parametrize(
    ("sampler", "channels"), [("ddim", 3), ("ddpm", 3), ("ddpm", 6), ("dpm++", 3)]
)
def test_together_as_alone_to_the_last_bit(sampler: str, channels: int) -> None:
    denoise = from_network(Network(channels), SCHEDULE)
    results = together(several(sampler), denoise)
    for result, each in zip(results, several(sampler), strict=True):
        assert torch.equal(result, alone(each, denoise)[0])
    assert len({result.sum().item() for result in results}) == 3 * len(NS)


def test_samplers_of_all_kinds_go_together() -> None:
    network = Network()
    kinds = [chain(Settings(100, STEPS, sampler=sampler), 1) for sampler in SAMPLERS]
    results = together(kinds, from_network(network, SCHEDULE))
    assert len(network.asked) == STEPS
    for result, each in zip(results, kinds, strict=True):
        assert torch.equal(result, alone(each, from_network(network, SCHEDULE))[0])


def test_the_calls_of_one_chain_serve_all_each_at_its_timestep() -> None:
    network = Network()
    together(several(), from_network(network, SCHEDULE))
    visited = [timesteps(n, STEPS)[::-1] for n in NS]
    assert network.asked == [[v[k] for v in visited for _ in range(3)] for k in range(STEPS)]


def test_a_unet_takes_each_picture_at_its_timestep() -> None:
    torch.manual_seed(0)
    network = build("unet", UNET)
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.1)
    denoise = from_network(network, SCHEDULE)
    chains = [chain(Settings(n, STEPS), size=16) for n in NS]
    for result, each in zip(together(chains, denoise), chains, strict=True):
        torch.testing.assert_close(result, together([each], denoise)[0], atol=1e-5, rtol=0)


def test_longer_chains_go_on_without_the_others() -> None:
    network = Network()
    denoise = from_network(network, SCHEDULE)
    kinds = [Settings(100, steps) for steps in (2, 5, 5, 5, 4, 4)]
    chains = [chain(settings, i) for i, settings in enumerate(kinds)]
    results = together(chains, denoise)
    assert [len(asked) for asked in network.asked] == [6, 6, 5, 5, 3]
    for result, each in zip(results, chains, strict=True):
        assert torch.equal(result, alone(each, denoise)[0])


def test_one_timestep_for_all_stays_an_int() -> None:
    asked: list[int | Sequence[int]] = []

    def denoise(x: Tensor, t: int | Sequence[int]) -> Denoised:
        asked.append(t)
        return Denoised(x, x)

    together([chain(Settings(100, 5, eta=0.0)), chain(Settings(100, 5, eta=1.0))], denoise)
    together([chain(Settings(100, 5))], denoise)
    assert asked == [80, 60, 40, 20, 0] * 2


def test_progress_counts_the_steps_of_the_first() -> None:
    progress = Steps()
    chains = [chain(Settings(100, steps)) for steps in (3, 3, 5)]
    contract_all(chains, from_network(Network(), SCHEDULE), SCHEDULE, progress)
    assert progress.seen == ["step of 3"] * 3


def to_luma(denoise: BatchDenoiser, known: Sequence[Any]) -> BatchDenoiser:
    return refine(denoise, Luma(torch.cat(list(known))), 20.0)


def to_pixels(denoise: BatchDenoiser, known: Sequence[Any]) -> BatchDenoiser:
    y0, mask = (torch.cat(parts) for parts in zip(*known, strict=True))
    return refine(denoise, Mask(2 * y0 - 1, mask), 0.5)


def test_each_chain_is_held_to_what_is_known_of_its_face() -> None:
    """Chains of several lengths, so that the batch grows smaller on the way."""
    denoise = from_network(Network(), SCHEDULE)
    kinds = [Settings(100, 3), Settings(300, 5), Settings(300, 5), Settings(50, 4)]
    greys = [2 * face(10 + i)[:, :1] - 1 for i in range(4)]
    chains = [chain(s, i, known=y) for i, (s, y) in enumerate(zip(kinds, greys, strict=True))]
    held = together(chains, denoise, hold=to_luma)
    for result, each in zip(held, chains, strict=True):
        assert torch.equal(result, alone(each, to_luma(denoise, [each.known]))[0])
        assert not torch.equal(result, alone(each, denoise)[0])


def test_held_chains_are_what_inpainting_is() -> None:
    denoise = from_network(Network(), SCHEDULE)
    y, mask = torch.cat([face(5), face(6)]), (face(7)[:, :1] > 0.5).float()
    settings = Settings(200, STEPS)
    held = refine(denoise, Mask(2 * y - 1, mask.expand(2, 1, 4, 4)), 0.5)
    filled = difface.contract(y, held, SCHEDULE, settings, [3, 4])
    chains = [Chain(y[i : i + 1], settings, 3 + i, (y[i : i + 1], mask)) for i in (0, 1)]
    assert torch.equal(together(chains, denoise, hold=to_pixels), filled)


@pytest.mark.parametrize("error", [RuntimeError, KeyboardInterrupt, StopIteration])
@pytest.mark.parametrize("call", [1, 3])
def test_a_network_that_fails_ends_every_chain(error: type[BaseException], call: int) -> None:
    ended: list[int] = []

    def sampling(i: int) -> Sampling:
        try:
            while True:
                yield torch.zeros(1), 0
        finally:
            ended.append(i)

    calls = iter(range(1, 9))

    def answer(asked: Any) -> list[Denoised]:
        if next(calls) == call:
            raise error("memory")
        return [Denoised(x, x) for x, _ in asked.values()]

    with pytest.raises(error, match="memory"):
        drive([sampling(i) for i in range(3)], answer)
    assert sorted(ended) == [0, 1, 2]


@pytest.mark.parametrize("place", [0, 2, 3])
def test_a_chain_that_fails_ends_the_others(place: int) -> None:
    ended: list[int] = []

    def sampling(i: int) -> Sampling:
        try:
            yield torch.zeros(1), 0
            if i == place:
                raise ValueError("broken")
            yield torch.zeros(1), 0
        finally:
            ended.append(i)
        return torch.zeros(1)

    def answer(asked: dict[int, Asked]) -> list[Denoised]:
        return [Denoised(x, x) for x, _ in asked.values()]

    with pytest.raises(ValueError, match="broken"):
        drive([sampling(i) for i in range(4)], answer)
    assert sorted(ended) == [0, 1, 2, 3]


def test_no_chain_records_gradients() -> None:
    weight = torch.ones((), requires_grad=True)
    assert not together(several(), from_network(lambda x, t: weight * x, SCHEDULE)).requires_grad
