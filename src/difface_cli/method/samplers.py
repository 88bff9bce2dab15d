"""From x_N back to a clean picture.

A sampler is a generator: it yields what it asks of a denoiser, (x_t, t), and is sent the answer.
So it reads like its paper, and whoever runs it decides what answers: `sample` takes any denoiser,
`chains` lets one call of the network answer several samplers. It knows nothing of networks, masks
or devices. All coefficients are Python floats of the float64 schedule: nothing is copied to the
device, and nothing is waited for, inside the loop.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from contextlib import ExitStack

import torch
from torch import Tensor

from difface_cli.method.denoiser import Denoised, Denoiser
from difface_cli.method.schedule import Schedule, spaced

Noise = Callable[[], Tensor]  # one fresh standard normal draw of the picture's shape
Step = tuple[int, float, float]
Track = Callable[[Sequence[Step]], Iterable[Step]]  # watches a loop without changing it
Asked = tuple[Tensor, int]  # (x_t, t)
Sampling = Generator[Asked, Denoised, Tensor]  # a sampler on its way; returns x_0


def sample(sampling: Sampling, denoise: Denoiser) -> Tensor:
    """Run one sampler to its end: x_0."""
    return drive([sampling], lambda asked: [denoise(*asked[0])])[0]


def drive(
    samplings: Sequence[Sampling], answer: Callable[[Mapping[int, Asked]], Sequence[Denoised]]
) -> list[Tensor]:
    """Run samplers together; those that ask more often than others go on without them.

    Args:
        answer: given what is asked, by the sampler's index, gives the answers in the same order.

    Returns:
        What each sampler returns, in their order.

    Raises:
        Whatever a sampler or `answer` raises; all samplers are closed then.
    """
    results: dict[int, Tensor] = {}
    answers: dict[int, Denoised | None] = dict.fromkeys(range(len(samplings)))
    with ExitStack() as closing:
        for sampling in samplings:
            closing.callback(sampling.close)
        while answers:
            asked: dict[int, Asked] = {}
            for i, answered in answers.items():
                s = samplings[i]
                try:
                    asked[i] = next(s) if answered is None else s.send(answered)
                except StopIteration as end:
                    results[i] = end.value
            answers = dict(zip(asked, answer(asked), strict=True)) if asked else {}
    return [results[i] for i in range(len(samplings))]


def ddim_sigma(eta: float, a: float, a_prev: float) -> float:
    """The noise of a step from alpha_bar a to a': Song et al. 2021, eq. 16.

    The published code's (and DDIM's) eta·√((1-a')/(1-a))·√(1-a/a'), so its square carries eta²,
    where the paper's eq. 6 writes eta.
    """
    return eta * math.sqrt((1 - a_prev) / (1 - a)) * math.sqrt(1 - a / a_prev)


def ddim(
    x: Tensor,
    schedule: Schedule,
    visited: Sequence[int],
    noise: Noise,
    *,
    eta: float = 0.5,
    track: Track = iter,
) -> Sampling:
    """Song et al. 2021, eq. 12 and 16; the paper's algorithm 1.

    Args:
        x: x_N, b×3×h×w.
        visited: ascending timesteps, all below N.
        eta: 0 is deterministic, 1 is DDPM's variance.
        track: sees the steps go by, for progress.

    Returns:
        x_0, b×3×h×w. The last step adds no noise.
    """
    for t, a, a_prev in track(spaced(schedule, visited)):
        d = yield x, t
        sigma = ddim_sigma(eta, a, a_prev)
        x = math.sqrt(a_prev) * d.x0 + math.sqrt(1 - a_prev - sigma**2) * d.eps
        if sigma > 0:
            x = x + sigma * noise()
    return x


def ddpm(
    x: Tensor,
    schedule: Schedule,
    visited: Sequence[int],
    noise: Noise,
    *,
    track: Track = iter,
) -> Sampling:
    """Ancestral sampling: Ho et al. 2020, eq. 6–7, respaced as in Nichol & Dhariwal 2021.

    Where the network learned its variance, log σ² lies between log β̃ and log β by the predicted
    fraction; otherwise σ² = β̃.

    Args and returns as `ddim`, without eta.
    """
    for t, a, a_prev in track(spaced(schedule, visited)):
        d = yield x, t
        alpha, beta = a / a_prev, 1 - a / a_prev
        from_x0 = math.sqrt(a_prev) * beta / (1 - a)
        from_xt = math.sqrt(alpha) * (1 - a_prev) / (1 - a)
        x = from_x0 * d.x0 + from_xt * x
        if a_prev < 1:
            smallest = beta * (1 - a_prev) / (1 - a)
            if d.variance is None:
                x = x + math.sqrt(smallest) * noise()
            else:
                fraction = (d.variance + 1) / 2
                log_variance = torch.lerp(
                    torch.full_like(fraction, math.log(smallest)),
                    torch.full_like(fraction, math.log(beta)),
                    fraction,
                )
                x = x + torch.exp(0.5 * log_variance) * noise()
    return x
