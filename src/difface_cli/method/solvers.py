"""Second-order steps from x_N back to a clean picture: the same quality with fewer calls.

Generators as the samplers are (see `samplers`), but made for other timesteps: from just below N,
closer and closer (see `schedule.log_snr_timesteps`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from torch import Tensor

from difface_cli.method.samplers import Noise, Sampling, Track, ddim_sigma
from difface_cli.method.schedule import Schedule, half_log_snr, spaced


def dpmpp(
    x: Tensor,
    schedule: Schedule,
    visited: Sequence[int],
    noise: Noise,
    *,
    eta: float = 0.5,
    track: Track = iter,
) -> Sampling:
    """DPM-Solver++(2M), Lu et al. 2022 (arXiv 2211.01095), algorithm 2, and its SDE variant.

    A step of DDIM holds x0 still from λ to λ'; here x0 is extrapolated to the middle of the step,
    along the line through this call and the one before. eta is DDIM's: 0 is the deterministic
    solver, 1 is SDE-DPM-Solver++(2M), and between them the noise of a step is eta times the
    latter's, which is the solver of a reverse SDE with less noise. Every eta keeps the marginals.

    The step follows x0 and x_t alone, not the network's eps: where x0 is clipped or refined, what
    is solved is the equation of that denoiser, however many steps are taken.

    Args:
        x: x_N, b×3×h×w.
        visited: ascending timesteps, all below N; x_N counts as noisy as the highest of them.
        eta: 0 is deterministic and draws no noise, 1 has DDPM's variance.
        track: sees the steps go by, for progress.

    Returns:
        x_0, b×3×h×w. The first step has no call before it and is of first order; the last, to
        alpha_bar 1 where λ is infinite, is x0 itself: no extrapolation, no noise.
    """
    before: tuple[Tensor, float] | None = None
    for t, a, a_prev in track(spaced(schedule, visited)):
        d = yield x, t
        x0, lam = d.x0, half_log_snr(a)
        middle = x0
        if before and a_prev < 1:
            x0_before, lam_before = before
            r = (lam - lam_before) / (half_log_snr(a_prev) - lam)
            middle = x0 + (x0 - x0_before) / (2 * r)
        sigma = ddim_sigma(eta, a, a_prev)
        keep = math.sqrt((1 - a_prev - sigma**2) / (1 - a))
        x = keep * x + (math.sqrt(a_prev) - keep * math.sqrt(a)) * middle
        if sigma > 0:
            x = x + sigma * noise()
        before = x0, lam
    return x
