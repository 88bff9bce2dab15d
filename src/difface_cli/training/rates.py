"""The learning rate, as a function of the step alone."""

from __future__ import annotations

import math

from difface_cli.training.recipe import Optimizer


def rate(optimizer: Optimizer, step: int, steps: int) -> float:
    """The rate of step `step`, 0 to steps - 1.

    A linear warm-up, and over the whole training cosine annealing from `rate` to `final_rate`
    (Loshchilov & Hutter 2017, eq. 5), steps of `factor` at the milestones, or neither.
    """
    warm = min(1.0, (step + 1) / optimizer.warmup) if optimizer.warmup else 1.0
    if optimizer.decay == "cosine":
        cosine = (1 + math.cos(math.pi * step / steps)) / 2
        value = optimizer.final_rate + (optimizer.rate - optimizer.final_rate) * cosine
    elif optimizer.decay == "step":
        passed = sum(step >= milestone for milestone in optimizer.milestones)
        value = optimizer.rate * optimizer.factor**passed
    else:
        value = optimizer.rate
    return warm * value
