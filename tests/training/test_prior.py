from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from difface_cli.training.objective import Batch, Network, Portraits
from difface_cli.training.pictures import Pictures
from difface_cli.training.prior import Denoising
from difface_cli.training.recipe import Data, Goal


@pytest.fixture
def portraits(folder: Path) -> Portraits:
    return Portraits(Pictures.of(16, folder), Data(), seed=0)


def answering(truth: Tensor) -> Network:
    return lambda x_t, t: truth


def at(batch: Batch, t: Tensor) -> Batch:
    """The batch at other timesteps."""
    pictures, _, seeds, changes = batch
    return pictures, t, seeds, changes


@pytest.mark.parametrize("predicts", ["x0", "eps"])
@pytest.mark.parametrize("loss", ["simple", "min-snr"])
def test_an_oracle_has_no_loss(portraits: Portraits, predicts: str, loss: str) -> None:
    denoising = Denoising(portraits, Goal(loss=loss, predicts=predicts))
    batch = denoising.batch(range(4))
    x0, noise = denoising.examples(batch)
    truth, other = (x0, noise) if predicts == "x0" else (noise, x0)
    assert denoising.loss(answering(truth), batch)["loss"] == 0
    assert denoising.loss(answering(other), batch)["loss"] > 0.1


def test_the_network_sees_the_noised_picture(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal())
    batch = denoising.batch(range(4))
    x0, noise = denoising.examples(batch)
    seen = []

    def network(x_t: Tensor, t: Tensor) -> Tensor:
        seen.append(x_t)
        return noise

    denoising.loss(network, batch)
    for x_t, x, z, step in zip(seen[0], x0, noise, batch[1].tolist(), strict=True):
        torch.testing.assert_close(x_t, denoising.schedule.q_sample(x, step, z))


def test_min_snr_weighs_one_error_alike_for_x0_and_eps(portraits: Portraits) -> None:
    """An error e of x0 is an error √SNR·e of eps: both must cost the same (Hang et al. 2023)."""
    by_x0 = Denoising(portraits, Goal(loss="min-snr", predicts="x0"))
    by_eps = Denoising(portraits, Goal(loss="min-snr", predicts="eps"))
    batch = by_x0.batch(range(8))
    x0, noise = by_x0.examples(batch)
    a = by_x0.alpha_bar[batch[1]].float().view(-1, 1, 1, 1)
    wrong_x0, wrong_eps = x0 + 0.1, noise - 0.1 * (a / (1 - a)).sqrt()
    torch.testing.assert_close(
        by_x0.loss(answering(wrong_x0), batch)["loss"],
        by_eps.loss(answering(wrong_eps), batch)["loss"],
    )


def test_the_weight_is_the_signal_to_noise_ratio_up_to_its_limit(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal(loss="min-snr", predicts="x0", snr_limit=5))
    batch = denoising.batch([0])
    x0, _ = denoising.examples(batch)
    for step, weight in ((0, 5.0), (500, None)):
        a = float(denoising.alpha_bar[step])
        loss = denoising.loss(answering(x0 + 1), at(batch, torch.tensor([step])))["loss"]
        assert float(loss) == pytest.approx(weight or a / (1 - a), rel=1e-4)


def test_timesteps_stay_below_the_limit(portraits: Portraits) -> None:
    _, t, *_ = Denoising(portraits, Goal(max_timestep=3)).batch(range(60))
    assert set(t.tolist()) == {0, 1, 2}


def test_learned_variance_adds_the_bound_without_touching_the_mean(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal(loss="simple+vlb"))
    batch = denoising.batch(range(4))
    out = torch.zeros(4, 6, 16, 16, requires_grad=True)
    losses = denoising.loss(lambda x_t, t: out, batch)
    torch.testing.assert_close(losses["loss"].detach(), losses["mse"] + losses["vlb"])
    (gradient,) = torch.autograd.grad(losses["loss"], out)
    _, noise = denoising.examples(batch)
    mse_alone = 2 * (0 - noise) / noise.numel()
    torch.testing.assert_close(gradient[:, :3], mse_alone)
    assert gradient[:, 3:].abs().max() > 0


def test_a_sheet_of_an_oracle_ends_in_the_truth(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal(predicts="x0", max_timestep=600))
    x0, _ = denoising.examples(denoising.batch(range(6)))
    sheet = denoising.sheet(answering(x0))
    truth = sheet[:, :16]
    torch.testing.assert_close(sheet[:, 32:48], truth, atol=1e-4, rtol=0)
    torch.testing.assert_close(sheet[:, 64:80], truth, atol=1e-4, rtol=0)


def test_the_network_is_told_how_its_pictures_were_changed(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal(predicts="x0", augment=1.0))
    batch = denoising.batch(range(4))
    x0, _ = denoising.examples(batch)
    plain, _ = Denoising(portraits, Goal()).examples(batch)
    assert ((x0 - plain).abs().mean((1, 2, 3)) > 0.01).all()
    told = []

    def network(x_t: Tensor, t: Tensor, changes: Tensor) -> Tensor:
        told.append(changes)
        return x0

    assert denoising.loss(network, batch)["loss"] == 0
    assert torch.equal(told[0], batch[3]) and (told[0] != 0).all()


def test_a_batch_is_its_examples_one_by_one(portraits: Portraits) -> None:
    denoising = Denoising(portraits, Goal(augment=0.5))
    together = denoising.examples(denoising.batch(range(3)))
    alone = [denoising.examples(denoising.batch([i])) for i in range(3)]
    for whole, parts in zip(together, zip(*alone, strict=True), strict=True):
        torch.testing.assert_close(whole, torch.cat(parts))
