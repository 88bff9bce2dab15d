"""Faces on their way back from step N, each with its own settings, in the same network calls."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from typing import Any

import torch
from torch import Tensor

from difface_cli.base.progress import Progress
from difface_cli.method import difface
from difface_cli.method.denoiser import BatchDenoiser, Denoised
from difface_cli.method.difface import Settings
from difface_cli.method.samplers import Asked, Step, drive
from difface_cli.method.schedule import Schedule

# (denoise, `known` of each picture of the batch) → the denoiser, held to what is known of them
Hold = Callable[[BatchDenoiser, Sequence[Any]], BatchDenoiser]


@dataclass(frozen=True)
class Chain:
    """One face's way.

    Attributes:
        f_y: where it starts, 1×3×h×w in [0, 1].
        settings: how it goes.
        seed: of its noise.
        known: what `contract_all`'s hold is told of this face, as its known pixels.
    """

    f_y: Tensor
    settings: Settings
    seed: int
    known: Any = None


@torch.inference_mode()
def contract_all(
    chains: Sequence[Chain],
    denoise: BatchDenoiser,
    schedule: Schedule,
    progress: Progress,
    hold: Hold | None = None,
) -> Tensor:
    """Contract estimates together, see `difface.contract`: b×3×h×w in [0, 1], in their order.

    Neighbours of the same settings run as one batch, with one sampler. What all samplers ask at
    the same time goes to the network in one call.

    Args:
        denoise: called with an int where all pictures are at one timestep.
        progress: counts the steps of the first chain.
        hold: holds the denoiser to what is known of the faces, see `guidance.refine`; called anew
            whenever chains have come to their end and the batch is smaller.
    """

    def watched(steps: Sequence[Step]) -> Iterator[Step]:
        return progress.steps(steps, len(steps), "step")

    groups = [list(group) for _, group in groupby(chains, lambda chain: chain.settings)]
    samplings = [
        difface.contraction(
            torch.cat([chain.f_y for chain in same]),
            schedule,
            same[0].settings,
            [chain.seed for chain in same],
            iter if i else watched,
        )
        for i, same in enumerate(groups)
    ]

    @lru_cache(maxsize=1)
    def held(asking: tuple[int, ...]) -> BatchDenoiser:
        known = [chain.known for i in asking for chain in groups[i]]
        return denoise if hold is None else hold(denoise, known)

    def answer(asked: Mapping[int, Asked]) -> Sequence[Denoised]:
        x = torch.cat([x for x, _ in asked.values()])
        t = [t for x, t in asked.values() for _ in x]
        same = t[0] if len(set(t)) == 1 else t
        return held(tuple(asked))(x, same).split([len(x) for x, _ in asked.values()])

    return torch.cat(drive(samplings, answer))
