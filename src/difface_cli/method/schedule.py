"""The noise schedule and the timesteps that a sampler visits."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from torch import Tensor


@dataclass(frozen=True)
class Schedule:
    """alpha_bar of every training timestep, in float64.

    Attributes:
        alpha_bar: alpha_bar[t] for t = 0 … T-1; the paper's alpha_t, which is DDPM's ᾱ_{t+1}.
    """

    alpha_bar: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.alpha_bar)

    def q_sample(self, x0: Tensor, t: int, noise: Tensor) -> Tensor:
        """Diffuse x0 to timestep t: eq. 2, x_t = √α_t x0 + √(1-α_t) ξ."""
        a = self.alpha_bar[t]
        return math.sqrt(a) * x0 + math.sqrt(1 - a) * noise


def linear(steps: int = 1000, start: float = 1e-4, end: float = 0.02) -> Schedule:
    """The schedule of Ho et al. 2020: betas on a line. Computed in float64."""
    betas = np.linspace(start, end, steps, dtype=np.float64)
    return Schedule(tuple(np.cumprod(1 - betas).tolist()))


def timesteps(n: int, steps: int) -> tuple[int, ...]:
    """The timesteps a chain from N visits, ascending: i·N/steps for i = 0 … steps-1.

    As in the published code: noise is added at N, and the network is first called one stride
    below it. (400, 100) gives 0, 4, …, 396, every fourth step of the full schedule.

    Raises:
        ValueError: unless 1 ≤ steps ≤ N.
    """
    if not 1 <= steps <= n:
        raise ValueError(f"{steps} steps do not fit below N = {n}")
    return tuple(i * n // steps for i in range(steps))


def half_log_snr(alpha_bar: float) -> float:
    """λ = ½ log(α/(1-α)), the time of Lu et al. 2022 (log √α/√(1-α)); α in (0, 1)."""
    return 0.5 * math.log(alpha_bar / (1 - alpha_bar))


def log_snr_timesteps(schedule: Schedule, n: int, steps: int) -> tuple[int, ...]:
    """Timesteps at even distances of log-SNR, ascending from 0 to N-1, both visited.

    Few steps need them closer where little noise is left and the picture's detail is decided. As
    with `timesteps`, no call is at N: a prior need not have learned the largest N it allows.
    (260, 5) gives 0, 5, 26, 93, 259. Where the distances are below one timestep, neighbours are
    taken. A single step is N-1 alone.

    Raises:
        ValueError: unless 1 ≤ steps ≤ N.
    """
    if not 1 <= steps <= n:
        raise ValueError(f"{steps} steps do not fit below N = {n}")
    falling = [-half_log_snr(a) for a in schedule.alpha_bar[:n]]
    even = np.linspace(falling[-1], falling[0], steps)[::-1]  # a single one is that of N-1
    nearest = np.interp(even, falling, np.arange(n)).round().astype(int).tolist()
    visited: list[int] = []
    for i, t in enumerate(nearest):
        lowest, highest = (visited[-1] + 1 if visited else 0), n - (steps - i)
        visited.append(min(max(t, lowest), highest))
    return tuple(visited)


def spaced(schedule: Schedule, visited: Sequence[int]) -> list[tuple[int, float, float]]:
    """(t, α_t, α of the next lower visited step) from the highest t down; α below 0 is 1."""
    a = [schedule.alpha_bar[t] for t in visited]
    return list(zip(visited, a, [1.0, *a[:-1]], strict=True))[::-1]
