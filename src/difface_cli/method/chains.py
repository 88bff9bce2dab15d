"""Faces on their way back from step N, each with its own settings, in the same network calls."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import groupby

import torch
from torch import Tensor

from difface_cli.base.progress import Progress
from difface_cli.method import difface
from difface_cli.method.denoiser import BatchDenoiser, Denoiser
from difface_cli.method.difface import Settings
from difface_cli.method.lockstep import lockstep
from difface_cli.method.samplers import Step, Track
from difface_cli.method.schedule import Schedule


@dataclass(frozen=True)
class Chain:
    """One face's way: where it starts, 1×3×h×w in [0, 1], how it goes, the seed of its noise."""

    f_y: Tensor
    settings: Settings
    seed: int


def contract(
    chains: Sequence[Chain], denoise: BatchDenoiser, schedule: Schedule, progress: Progress
) -> Tensor:
    """Run chains together: b×3×h×w in [0, 1], in their order.

    Neighbours of the same settings run as one batch, others in lockstep with it. The progress
    counts the steps of the first.
    """

    def watched(steps: Sequence[Step]) -> Iterator[Step]:
        return progress.steps(steps, len(steps), "step")

    def run(same: Sequence[Chain], track: Track, denoise: Denoiser) -> Tensor:
        f_y, seeds = torch.cat([chain.f_y for chain in same]), [chain.seed for chain in same]
        return difface.contract(f_y, denoise, schedule, same[0].settings, seeds, track)

    first, *others = [list(group) for _, group in groupby(chains, lambda chain: chain.settings)]
    runs = [partial(run, first, watched), *(partial(run, same, iter) for same in others)]
    return torch.cat(lockstep(runs, denoise))
