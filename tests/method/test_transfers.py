"""Nothing waits for the device inside the loop: on a fake device, every copy is seen.

PyTorch's "meta" device has shapes and no numbers, so that whatever asks it for a number fails. What
is copied to it is counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils import _pytree as tree
from torch.utils._python_dispatch import TorchDispatchMode

from difface_cli import networks
from difface_cli.base.progress import NoProgress
from difface_cli.method import difface
from difface_cli.method.chains import Chain, contract_all
from difface_cli.method.denoiser import BatchDenoiser, from_network
from difface_cli.method.difface import Settings
from difface_cli.method.guidance import Luma, Mask, refine
from difface_cli.method.schedule import linear

FAKE = torch.device("meta")
SCHEDULE = linear()
STEPS = 5


class Numbers(TorchFunctionMode):
    """Counts what is made of Python's numbers on the device."""

    def __init__(self, counts: Counter[str]) -> None:
        super().__init__()
        self.counts = counts

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        if func in (torch.tensor, torch.as_tensor, Tensor.new_tensor) and out.is_meta:
            self.counts["numbers"] += 1
        return out


class Transfers(TorchDispatchMode):
    """Counts what goes to the device: copies of tensors, and tensors made of Python's numbers."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: Counter[str] = Counter()

    def __enter__(self) -> Transfers:
        self._numbers = Numbers(self.counts)
        self._numbers.__enter__()
        super().__enter__()
        return self

    def __exit__(self, *error: Any) -> None:
        super().__exit__(*error)
        self._numbers.__exit__(*error)

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        given, made = (
            {t.device.type for t in tree.tree_leaves(part) if isinstance(t, Tensor) and t.ndim}
            for part in ((args, kwargs), out)
        )
        lifts = func is torch.ops.aten.lift_fresh.default  # of numbers, in some versions of PyTorch
        if not lifts and "cpu" in given and "meta" in given | made:
            self.counts["copies"] += 1
        return out


@pytest.fixture
def denoise() -> BatchDenoiser:
    config = {
        "image_size": 32, "in_channels": 3, "out_channels": 6, "model_channels": 32,
        "channel_mult": [1, 2], "num_res_blocks": 1, "attention_resolutions": [16],
        "num_head_channels": 32, "use_scale_shift_norm": True,
    }  # fmt: skip
    with FAKE:
        return from_network(networks.build("unet", config).eval(), SCHEDULE)


def faces(count: int = 2, channels: int = 3) -> Tensor:
    return torch.empty(count, channels, 32, 32, device=FAKE)


def counted(work: Callable[[], Tensor]) -> Counter[str]:
    with torch.inference_mode(), Transfers() as transfers:
        assert work().device == FAKE
    return transfers.counts


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize(
    ("sampler", "eta", "draws"),
    [
        ("ddim", 0.0, 0),
        ("ddim", 0.5, STEPS - 1),
        ("ddpm", 0.5, STEPS - 1),
        ("dpm++", 1.0, STEPS - 1),
    ],
)
def test_only_noise_goes_to_the_device(
    denoise: BatchDenoiser, sampler: str, eta: float, draws: int, batch: int
) -> None:
    settings = Settings(n=200, steps=STEPS, eta=eta, sampler=sampler)
    seeds = list(range(batch))
    run = partial(difface.contract, faces(batch), denoise, SCHEDULE, settings, seeds)
    assert counted(run) == Counter(copies=1 + draws)  # one to diffuse to step N


def test_chains_together_ask_for_no_more(denoise: BatchDenoiser) -> None:
    """One copy for each to diffuse to step N, whatever the number of its calls."""

    def run(steps: int) -> Tensor:
        chains = [Chain(faces(1), Settings(n, steps, 0.0), n) for n in (100, 200, 300)]
        return contract_all(chains, denoise, SCHEDULE, NoProgress())

    assert counted(partial(run, 2)) == counted(partial(run, STEPS)) == Counter(copies=3)


@pytest.mark.parametrize("how", ["closed-form", "gradient"])
@pytest.mark.parametrize("task", ["inpaint", "colorize"])
def test_refinement_sends_nothing_each_step(denoise: BatchDenoiser, task: str, how: str) -> None:
    def run(steps: int) -> Tensor:
        chosen = Settings(n=200, steps=steps, eta=0.0)
        grey = Luma(2 * faces(2, 1) - 1)
        operator = grey if task == "colorize" else Mask(2 * faces(2) - 1, faces(2, 1))
        held = refine(denoise, operator, 0.3, how)
        return difface.contract(faces(2), held, SCHEDULE, chosen, [0, 1])

    assert counted(partial(run, 2)) == counted(partial(run, STEPS))


def test_the_fake_device_tells_no_number_and_sees_every_copy() -> None:
    """That the tests above can fail."""
    x = faces(1)
    for asks in (lambda: x.mean().item(), lambda: bool((x > 0).any()), lambda: x.cpu()):
        with pytest.raises((RuntimeError, NotImplementedError)):
            asks()
    with Transfers() as transfers:
        torch.tensor([1, 2]).to(FAKE)
        torch.tensor([1.0], device=FAKE)
        x.new_tensor([0.3])
        x + 1.5
        torch.full((2,), 7, device=FAKE)
    assert transfers.counts == Counter(copies=1, numbers=2)
