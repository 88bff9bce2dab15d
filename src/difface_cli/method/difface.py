"""The method, algorithm 1 of the paper: estimate, diffuse to step N, denoise back.

Yue & Loy 2022, "DifFace: Blind Face Restoration with Diffused Error Contraction".
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import torch
from torch import Tensor

from difface_cli.method import perturbation, samplers, solvers
from difface_cli.method.denoiser import Denoiser
from difface_cli.method.schedule import Schedule, log_snr_timesteps, timesteps

SAMPLERS = ("ddim", "ddpm", "dpm++")

Estimator = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Settings:
    """What a user chooses.

    Attributes:
        n: the starting timestep N: small keeps what the estimator saw, large looks more real; 0
            is the estimate alone.
        steps: calls of the prior from N down to 0; none for N = 0.
        eta: randomness of DDIM and DPM-Solver++, 0 (none) to 1 (DDPM's).
        sampler: "ddim", "ddpm" or "dpm++".
        guidance: how much finer the prior draws what it is sure of, see `perturbation`; 0 is the
            paper's method. Whoever answers a sampler applies it.
    """

    n: int = 400
    steps: int = 100
    eta: float = 0.5
    sampler: str = "ddim"
    guidance: float = 0.0


@dataclass(frozen=True)
class Refinement:
    """How the chain is held to what is known, see `guidance.refine`.

    Attributes:
        gamma: 0 leaves the chain alone; the paper takes 0.5 for holes.
        how: "closed-form" (eq. 16) or "gradient" (the published code's step).
    """

    gamma: float = 0.5
    how: str = "closed-form"


def noise_seed(seed: int, sha256: str, rank: int, sample: int = 0) -> int:
    """The seed of one face's noise: it follows from the user's seed, the file and the face's rank.

    Nothing of it is computed from pixels: a face that is cut out anew, on another device or with
    a landmark moved by its last bit, is another crop of the same face, and must get the same
    noise, for other noise draws another face. Nor does it matter what stands beside the face in
    the batch. Two faces of one photo get different noise.

    Args:
        seed: the user's.
        sha256: of the file's bytes, in hexadecimal digits.
        rank: 0, 1, … the face's place among all that were found, from the top left.
        sample: 0, 1, … for several restorations of one face.

    Returns:
        63 bits, which torch's generators take.
    """
    digest = hashlib.sha256(f"{seed}/{sha256}/{rank}/{sample}".encode()).digest()
    return int.from_bytes(digest[:8], "big") >> 1


class FaceNoise:
    """Standard normal noise for a batch, each face drawing from a generator of its own.

    Drawn on the CPU, so that the same seed gives the same noise on every device.
    """

    def __init__(self, seeds: Sequence[int], like: Tensor) -> None:
        self.generators = [torch.Generator().manual_seed(seed) for seed in seeds]
        self.like = like

    def __call__(self) -> Tensor:
        """One draw, in the shape, dtype and on the device of the batch."""
        shape = self.like.shape[1:]
        draws = [torch.randn(shape, generator=generator) for generator in self.generators]
        noise = torch.stack(draws)
        if self.like.is_cuda:
            noise = noise.pin_memory()  # from other memory, a copy waits for the device
        return noise.to(self.like, non_blocking=True)


def estimate(y: Tensor, estimator: Estimator) -> Tensor:
    """f(y): b×c×h×w in [0, 1] → b×3×h×w in [0, 1]."""
    return estimator(y).clamp(0, 1)


def contract(
    f_y: Tensor,
    denoise: Denoiser,
    schedule: Schedule,
    settings: Settings,
    seeds: Sequence[int],
    track: samplers.Track = iter,
) -> Tensor:
    """Drown the estimate's error and denoise: x_N ~ N(√α_N f(y), (1-α_N) I), then N to 0.

    Args:
        f_y: estimates, b×3×h×w in [0, 1].
        seeds: one for each of them.

    Returns:
        Restored faces, b×3×h×w in [0, 1].

    Raises:
        ValueError: for settings outside their range.
    """
    return samplers.sample(contraction(f_y, schedule, settings, seeds, track), denoise)


def contraction(
    f_y: Tensor,
    schedule: Schedule,
    settings: Settings,
    seeds: Sequence[int],
    track: samplers.Track = iter,
) -> samplers.Sampling:
    """`contract` as a generator, for whoever answers it, see `samplers`."""
    check(settings, len(schedule) - 1)
    if settings.n == 0:
        return f_y
    x = 2 * f_y - 1
    noise = FaceNoise(seeds, like=x)
    x_n = schedule.q_sample(x, settings.n, noise())
    visited = timesteps_of(settings, schedule)
    x_0 = yield from sampler(settings)(x_n, schedule, visited, noise, track=track)
    return (x_0.clamp(-1, 1) + 1) / 2


def sampler(settings: Settings) -> Callable[..., samplers.Sampling]:
    """The sampler that the settings name, with eta where it has one."""
    if settings.sampler == "ddpm":
        return samplers.ddpm
    solve = solvers.dpmpp if settings.sampler == "dpm++" else samplers.ddim
    return partial(solve, eta=settings.eta)


def timesteps_of(settings: Settings, schedule: Schedule) -> tuple[int, ...]:
    """The timesteps that the settings' sampler visits, ascending."""
    if settings.sampler == "dpm++":
        return log_snr_timesteps(schedule, settings.n, settings.steps)
    return timesteps(settings.n, settings.steps)


def check(settings: Settings, max_n: int) -> None:
    """Raise ValueError, naming option and range, unless the settings can be run.

    Args:
        max_n: the largest N that schedule and prior allow.
    """
    n, steps, eta = settings.n, settings.steps, settings.eta
    problems = (
        (0 <= n <= max_n, f"N must be 0 to {max_n}, not {n}"),
        (min(1, n) <= steps <= n, f"steps must be {min(1, n)} to N = {n}, not {steps}"),
        (0 <= eta <= 1, f"eta must be 0 to 1, not {eta}"),
        (
            0 <= settings.guidance <= perturbation.LARGEST,
            f"guidance must be 0 to {perturbation.LARGEST:g}, not {settings.guidance:g}",
        ),
        (settings.sampler in SAMPLERS, f"there is no sampler {settings.sampler!r}"),
    )
    for fine, problem in problems:
        if not fine:
            raise ValueError(problem)
