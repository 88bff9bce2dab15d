"""How many pictures a second eq. 17 degrades on one thread; blur one by one and by the batch.

python benchmarks/degradations.py
"""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Callable
from functools import partial

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli import degradations
from difface_cli.degradations import Degradation, blur, gaussian_kernel, training

PICTURES = 256
BATCH = 16
REPEATS = 3
SIGMA_X, SIGMA_Y, ANGLE = 6.0, 3.0, 0.5
SIDES = {256: 280, 512: 560}  # of the transforms, as blur chooses them


def main() -> None:
    """Print pictures a second of the whole pipeline, and milliseconds a picture of the blur."""
    torch.set_num_threads(1)
    print(f"{platform.platform()}, torch {torch.__version__}, load {os.getloadavg()[0]:.1f}")
    rng = np.random.default_rng(0)
    settings = [training(rng) for _ in range(PICTURES)]
    for size in (256, 512):
        x = torch.rand(BATCH, 3, size, size)
        wall, processor = fastest(partial(whole, x, settings))
        print(f"{size}: {PICTURES / wall:.0f} pictures a second, {PICTURES / processor:.0f} of CPU")
        relative = size / degradations.PAPER_SIZE
        _, one = fastest(partial(blur_apart, x, relative))
        _, many = fastest(partial(blur_together, x, relative))
        each = 1000 / BATCH
        print(f"{size}: blur {one * each:.1f} ms a picture, {many * each:.1f} ms by the batch")


def fastest(work: Callable[[], object]) -> tuple[float, float]:
    """Seconds of the fastest of some runs, by the clock and of the processor's time."""
    work()
    runs = []
    for _ in range(REPEATS):
        clock, processor = time.perf_counter(), time.process_time()
        work()
        runs.append((time.perf_counter() - clock, time.process_time() - processor))
    return min(wall for wall, _ in runs), min(cpu for _, cpu in runs)


def whole(x: Tensor, settings: list[Degradation]) -> None:
    """All settings, a batch at a time, as training uses them."""
    for i in range(0, len(settings), BATCH):
        degradations.batch(x, settings[i : i + BATCH])


def blur_apart(x: Tensor, relative: float) -> Tensor:
    """What `degradations.batch` does: picture after picture."""
    return torch.stack(
        [blur(p, SIGMA_X * relative, SIGMA_Y * relative, ANGLE, relative) for p in x]
    )


def blur_together(x: Tensor, relative: float) -> Tensor:
    """What it does not: one transform for all pictures."""
    height, width = x.shape[2:]
    radius = round(degradations.PAPER_KERNEL // 2 * relative)
    sigma_x, sigma_y = SIGMA_X * relative, SIGMA_Y * relative
    kernel = gaussian_kernel(sigma_x, sigma_y, ANGLE, 2 * radius + 1)
    kernels = torch.stack([kernel] * len(x))
    padded = F.pad(x, (radius,) * 4, mode="reflect")
    size = (SIDES[height], SIDES[width])
    spectra = torch.fft.rfft2(padded, s=size) * torch.fft.rfft2(kernels, s=size)[:, None]
    y: Tensor = torch.fft.irfft2(spectra, s=size)[..., 2 * radius :, 2 * radius :]
    return y[..., :height, :width]


if __name__ == "__main__":
    main()
