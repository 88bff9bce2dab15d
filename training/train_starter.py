"""Train the starter's estimator and prior on a folder of aligned portraits.

    python training/train_starter.py estimator PORTRAITS estimator.safetensors --minutes 90
    python training/train_starter.py prior PORTRAITS prior.safetensors --minutes 90 \
        --start prior_128.safetensors

PORTRAITS holds square pictures aligned to the FFHQ template. The estimator learns with L1 alone
from pictures degraded by eq. 17; the prior learns, without any degradation, to predict x0 from
x_t for t < 600, with the loss weighted by min(SNR, 5) (Hang et al. 2023). Both write the
exponential moving average of their weights, in float16, every few minutes.
"""

from __future__ import annotations

import argparse
import csv
import json
import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from difface_cli import degradations
from difface_cli.networks import build

SIZE = 256
MAX_TIMESTEP = 600
GRAY_SHARE = 0.08  # old photos are grey, the portraits are not

ESTIMATOR = {
    "img_size": SIZE // 8,
    "embed_dim": 96,
    "depths": [4, 4, 4, 4],
    "num_heads": [3, 3, 3, 3],
    "window_size": 8,
    "num_feat": 32,
    "sf": 8,
    "residual": True,
}
PRIOR = {
    "image_size": SIZE // 4,
    "in_channels": 48,
    "model_channels": 64,
    "out_channels": 48,
    "attention_resolutions": [],
    "channel_mult": [1, 2, 4],
    "num_res_blocks": 1,
    "num_head_channels": 32,
    "use_scale_shift_norm": True,
    "patch_size": 4,
}
Batch = Callable[[int], Tensor]  # the loss of so many pictures


@dataclass(frozen=True)
class Recipe:
    """How long and how fast to learn."""

    minutes: float
    batch: int
    rate: float
    ema: float
    log: Path


def load(folder: Path) -> np.ndarray:
    """All pictures of the folder: n×SIZE×SIZE×3 uint8."""
    paths = sorted(p for p in folder.iterdir() if p.suffix.lower() in {".jpg", ".png"})
    pictures = np.empty((len(paths), SIZE, SIZE, 3), np.uint8)
    for i, path in enumerate(paths):
        with Image.open(path) as f:
            pictures[i] = f.convert("RGB").resize((SIZE, SIZE), Image.Resampling.BOX)
    return pictures


def draw(pictures: np.ndarray, rng: np.random.Generator) -> Tensor:
    """One picture, mirrored half of the time, sometimes grey: 3×SIZE×SIZE in [0, 1]."""
    picture = pictures[rng.integers(len(pictures))]
    if rng.random() < 0.5:
        picture = picture[:, ::-1]
    x = torch.from_numpy(np.ascontiguousarray(picture)).permute(2, 0, 1).float() / 255
    return degradations.luma(x).expand_as(x) if rng.random() < GRAY_SHARE else x


def estimator_loss(network: nn.Module, pictures: np.ndarray, rng: np.random.Generator) -> Batch:
    """L1 between the estimate and the truth."""

    def loss(n: int) -> Tensor:
        x = torch.stack([draw(pictures, rng) for _ in range(n)])
        y = torch.stack([degradations.training(rng)(picture) for picture in x])
        with torch.autocast("cpu", dtype=torch.bfloat16):
            estimate = network(y.contiguous(memory_format=torch.channels_last))
        return (estimate.float() - x).abs().mean()

    return loss


def prior_loss(network: nn.Module, pictures: np.ndarray, rng: np.random.Generator) -> Batch:
    """Squared error of the predicted x0, weighted by min(SNR, 5)."""
    alpha_bar = torch.cumprod(1 - torch.linspace(1e-4, 0.02, 1000, dtype=torch.float64), 0).float()

    def loss(n: int) -> Tensor:
        x = torch.stack([draw(pictures, rng) for _ in range(n)]) * 2 - 1
        t = torch.from_numpy(rng.integers(0, MAX_TIMESTEP, n))
        a = alpha_bar[t].view(-1, 1, 1, 1)
        x_t = a.sqrt() * x + (1 - a).sqrt() * torch.randn_like(x)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            x0 = network(x_t.contiguous(memory_format=torch.channels_last), t)
        weight = (a / (1 - a)).clamp(max=5)
        return (weight * (x0.float() - x) ** 2).mean()

    return loss


def save(path: Path, ema: dict[str, Tensor], config: dict[str, Any], seen: int) -> None:
    """Write the averaged weights in float16, whole or not at all."""
    part = path.with_suffix(".part")
    metadata = {"config": json.dumps(config), "pictures_seen": str(seen)}
    save_file({k: v.half().contiguous() for k, v in ema.items()}, part, metadata)
    part.replace(path)


def fit(network: nn.Module, loss: Batch, recipe: Recipe, save_ema: Callable[..., None]) -> None:
    """AdamW with warm-up and cosine decay over the given time."""
    optimizer = torch.optim.AdamW(network.parameters(), recipe.rate, betas=(0.9, 0.99))
    ema = {k: v.detach().clone() for k, v in network.state_dict().items()}
    start = last_save = time.monotonic()
    step, running = 0, 0.0
    log = csv.writer(open(recipe.log, "w", newline=""))  # noqa: SIM115
    while (done := (time.monotonic() - start) / 60 / recipe.minutes) < 1:
        rate = recipe.rate * min(1, (step + 1) / 200) * (0.01 + 0.99 * math.cos(done * 1.5708) ** 2)
        for group in optimizer.param_groups:
            group["lr"] = rate
        value = loss(recipe.batch)
        optimizer.zero_grad(set_to_none=True)
        value.backward()
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        step += 1
        decay = min(recipe.ema, (step + 1) / (step + 10))
        with torch.no_grad():
            for name, parameter in network.state_dict().items():
                ema[name].lerp_(parameter, 1 - decay)
        running += value.item()
        if step % 50 == 0:
            seen = step * recipe.batch
            print(
                f"{done:.0%} {seen} pictures, loss {running / 50:.5f}, rate {rate:.2e}", flush=True
            )
            log.writerow([seen, running / 50, rate])
            running = 0.0
        if time.monotonic() - last_save > 240:
            save_ema(ema, step * recipe.batch)
            last_save = time.monotonic()
    save_ema(ema, step * recipe.batch)


def main() -> None:
    """Read the arguments and train."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=["estimator", "prior"])
    parser.add_argument("portraits", type=Path)
    parser.add_argument("out", type=Path)
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--batch", type=int, default=8)
    parser.add_argument("--rate", type=float, default=4e-4)
    parser.add_argument("--ema", type=float, default=0.998)
    parser.add_argument("--start", type=Path, help="weights to go on from")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=0)
    a = parser.parse_args()

    torch.set_num_threads(a.threads)
    torch.manual_seed(a.seed)
    rng = np.random.default_rng(a.seed)
    pictures = load(a.portraits)
    kind, params = ("swinir", ESTIMATOR) if a.what == "estimator" else ("unet", PRIOR)
    network = build(kind, params).train().to(memory_format=torch.channels_last)
    if a.start:
        network.load_state_dict({k: v.float() for k, v in load_file(a.start).items()})
    elif hasattr(network, "zero_init"):
        network.zero_init()
    config = {"network": kind, "params": params, "trained_size": SIZE}
    if a.what == "prior":
        config |= {"predicts": "x0", "max_timestep": MAX_TIMESTEP}
    make_loss = estimator_loss if a.what == "estimator" else prior_loss
    fit(
        network,
        make_loss(network, pictures, rng),
        Recipe(a.minutes, a.batch, a.rate, a.ema, a.out.with_suffix(".csv")),
        lambda ema, seen: save(a.out, ema, config, seen),
    )


if __name__ == "__main__":
    main()
