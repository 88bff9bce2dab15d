"""The prior learns to denoise, from pictures alone (section VI-A)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

import torch
from torch import Tensor

from difface_cli.method.denoiser import from_network
from difface_cli.method.samplers import ddim, sample
from difface_cli.method.schedule import linear, timesteps
from difface_cli.training import augmentation, vlb
from difface_cli.training.objective import Batch, Network, Portraits, grid
from difface_cli.training.recipe import Goal

SHEET = 6
SHEET_STEPS = 10


class Denoising:
    """From x_t back to x0, or to the noise in it."""

    def __init__(self, portraits: Portraits, goal: Goal) -> None:
        self.portraits, self.goal = portraits, goal
        self.schedule = linear()
        self.alpha_bar = torch.tensor(self.schedule.alpha_bar, dtype=torch.float64)

    def batch(self, numbers: Sequence[int]) -> Batch:
        """(pictures, timesteps, seeds of the noise, how each picture is to be changed).

        b×3×h×w in 0 to 255, b, b and b×10: what is large is made of it on the device.
        """
        pictures, ts, seeds, changes = [], [], [], []
        for number in numbers:
            rng = self.portraits.generator(number)
            pictures.append(self.portraits.pixels(number, rng))
            ts.append(int(rng.integers(self.goal.max_timestep)))
            seeds.append(int(rng.integers(2**62)))
            changes.append(augmentation.draw(rng, self.goal.augment))
        return torch.stack(pictures), torch.tensor(ts), tuple(seeds), torch.stack(changes)

    def examples(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """x0 in [-1, 1] and the noise it is to be freed from, each b×3×h×w."""
        pictures, _, seeds, changes = batch
        x = pictures.float() / 255
        if self.goal.augment:
            x = augmentation.augment(x, changes)
        generator = torch.Generator(x.device)
        noise = torch.empty(x.shape, device=x.device)
        for z, seed in zip(noise, seeds, strict=True):
            z.normal_(generator=generator.manual_seed(seed))
        return 2 * x - 1, noise

    def loss(self, network: Network, batch: Batch) -> Mapping[str, Tensor]:
        """The recipe's loss, averaged over timesteps drawn evenly."""
        _, t, _, changes = batch
        x0, noise = self.examples(batch)
        a = self.alpha_bar.to(t.device)[t].to(x0).view(-1, 1, 1, 1)
        x_t = a.sqrt() * x0 + (1 - a).sqrt() * noise
        out = (network(x_t, t, changes) if self.goal.augment else network(x_t, t)).float()
        truth = x0 if self.goal.predicts == "x0" else noise
        error = (out[:, :3] - truth) ** 2
        if self.goal.loss == "simple":
            return {"loss": error.mean()}
        if self.goal.loss == "min-snr":
            return {"loss": (self._weight(a) * error).mean()}
        terms = vlb.terms(self.schedule, x0, x_t, t, out)
        # Nichol & Dhariwal 2021, eq. 16: λ = 0.001 of a sum over T = 1000 steps is their mean.
        return {
            "loss": error.mean() + terms.mean(),
            "mse": error.detach().mean(),
            "vlb": terms.detach().mean(),
        }

    def _weight(self, a: Tensor) -> Tensor:
        """min(SNR, limit) on the error of x0; the same objective for eps is divided by SNR."""
        snr = a / (1 - a)
        weight = snr.clamp(max=self.goal.snr_limit)
        return weight if self.goal.predicts == "x0" else weight / snr

    def sheet(self, network: Network) -> Tensor:
        """Truth; noised to a third and to two thirds of the timesteps; each denoised by DDIM."""
        x0, noise = self.examples(self.batch(range(SHEET)))
        rows = [x0]
        denoise = from_network(network, self.schedule, self.goal.predicts)
        fresh = partial(torch.randn, x0.shape, generator=torch.Generator().manual_seed(0))
        for n in (self.goal.max_timestep // 3, 2 * self.goal.max_timestep // 3):
            x_n = self.schedule.q_sample(x0, n, noise)
            visited = timesteps(n, min(n, SHEET_STEPS))
            rows += [
                x_n,
                sample(ddim(x_n, self.schedule, visited, fresh), denoise),
            ]
        return grid([(row + 1) / 2 for row in rows])
