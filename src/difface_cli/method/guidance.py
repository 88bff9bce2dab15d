"""Hold a denoiser's clean picture to what is known of it: section V of the paper, and beyond it.

A refinement wraps a denoiser and is one; samplers and networks know nothing of it. A new linear
degradation A is one more operator: the gradient of its misfit ‖A x0 - y0‖² and, where there is
one, the closed form of eq. 15 with A in the place of the mask.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol, TypeVar, runtime_checkable

import torch
from torch import Tensor

from difface_cli.base.luma import LUMA
from difface_cli.method.denoiser import Denoised

T = TypeVar("T")  # a timestep, or one for each picture

REFINEMENTS = ("closed-form", "gradient")
FLAT = 1e-20  # a slope of this length is none, and no direction


class Operator(Protocol):
    """A linear degradation A together with what was observed, y0 = A x0.

    Pictures are b×3×h×w in [-1, 1]; b is the batch that the denoiser is called with.
    """

    def gradient(self, x0: Tensor) -> Tensor:
        """Of the misfit ‖A x0 - y0‖² at x0: 2 Aᵀ(A x0 - y0), of x0's shape."""
        ...


@runtime_checkable
class Solvable(Operator, Protocol):
    """An operator for which eq. 15 has a solution in closed form."""

    def closed_form(self, x0: Tensor, gamma: float) -> Tensor:
        """The x that minimises ‖x - x0‖² + gamma ‖A x - y0‖²: (1 + gamma AᵀA)⁻¹(x0 + gamma Aᵀy0).

        Returns:
            x0's shape; values need not lie in [-1, 1].
        """
        ...


@dataclass(frozen=True)
class Mask:
    """Holes (eq. 14): what lies outside them is known.

    Attributes:
        y0: the damaged picture, b×3×h×w in [-1, 1]; its values inside the holes play no part.
        mask: M, b×1×h×w or b×3×h×w, 1 in a hole and 0 where the picture is known.
    """

    y0: Tensor
    mask: Tensor

    def gradient(self, x0: Tensor) -> Tensor:
        """2(1-M)²(x0 - y0). With a mask of 0 and 1, as in the published code, (1-M)² is 1-M."""
        return 2 * (1 - self.mask) ** 2 * (x0 - self.y0)

    def closed_form(self, x0: Tensor, gamma: float) -> Tensor:
        """Eq. 16."""
        weight = gamma * (1 - self.mask) ** 2
        return (x0 + weight * self.y0) / (1 + weight)


@dataclass(frozen=True)
class Luma:
    """A photo without colour: of each pixel only its luma w·x is known, A = wᵀ.

    Attributes:
        y0: the grey picture, b×1×h×w in [-1, 1].
    """

    y0: Tensor

    def gradient(self, x0: Tensor) -> Tensor:
        """2 w (w·x0 - y0)."""
        return -2 * self._w * self._missing(x0)

    def closed_form(self, x0: Tensor, gamma: float) -> Tensor:
        """x0 + γ/(1 + γ|w|²) w (y0 - w·x0).

        The normal equations (1 + γ w wᵀ) x = x0 + γ w y0, their inverse by Sherman & Morrison.
        """
        pull = gamma / (1 + gamma * sum(weight**2 for weight in LUMA))
        return x0 + pull * self._w * self._missing(x0)

    def _missing(self, x0: Tensor) -> Tensor:
        return self.y0 - (self._w * x0).sum(1, keepdim=True)

    @cached_property
    def _w(self) -> Tensor:
        """Made once, for the device would be waited for at each step."""
        return self.y0.new_tensor(LUMA).view(1, 3, 1, 1)


def refine(
    denoise: Callable[[Tensor, T], Denoised],
    operator: Operator,
    gamma: float,
    how: str = "closed-form",
) -> Callable[[Tensor, T], Denoised]:
    """A denoiser whose clean picture is pulled towards the observation at every step.

    The noise stays the network's own, and the refined picture is clipped to [-1, 1], both as in
    the published code. For holes the two ways agree when gamma of the closed form is 2g/(1-2g)
    for a gradient step of g < 0.5; g = 0.5 replaces known pixels outright.

    Args:
        denoise: takes a timestep for all pictures, or one for each; the refined one takes the same.
        gamma: how much the observation counts beside the denoiser; 0 gives `denoise` itself.
        how: "closed-form" solves eq. 15 (eq. 16 for holes); "gradient" takes one step of gamma
            down the misfit, as the published code does.

    Raises:
        ValueError: for a gamma below 0, another `how`, or an operator without closed form.
    """
    if not gamma >= 0:
        raise ValueError(f"gamma must be 0 or more, not {gamma}")
    if how not in REFINEMENTS:
        raise ValueError(f"a refinement is {' or '.join(REFINEMENTS)}, not {how!r}")
    if how == "closed-form" and not isinstance(operator, Solvable):
        raise ValueError(f"{type(operator).__name__} has no closed form; take a gradient step")
    if gamma == 0:
        return denoise

    def refined(x_t: Tensor, t: T) -> Denoised:
        d = denoise(x_t, t)
        if how == "closed-form" and isinstance(operator, Solvable):
            x0 = operator.closed_form(d.x0, gamma)
        else:
            x0 = d.x0 - gamma * operator.gradient(d.x0)
        return d.with_x0(x0.clamp(-1, 1))

    return refined


Misfit = Callable[[Tensor], Tensor]  # x0, b×3×h×w in [-1, 1], to one number for each picture


def descend(
    denoise: Callable[[Tensor, T], Denoised], misfit: Misfit, step: float
) -> Callable[[Tensor, T], Denoised]:
    """A denoiser whose clean picture takes a step down the gradient of any misfit, at every call.

    For what is known of a picture and is no linear operator, such as how a network describes it.
    The gradient goes through the misfit alone and not through the prior. It tells the direction;
    the step's length is given, for the gradient's own has no meaning in grey levels.

    Args:
        denoise: takes a timestep for all pictures, or one for each; the new one takes the same.
        misfit: is differentiated; it is called outside of inference mode.
        step: root mean square over a picture's pixels, in the range of 2 from -1 to 1; 0 gives
            `denoise` itself.

    Raises:
        ValueError: for a step below 0.
    """
    if not step >= 0:
        raise ValueError(f"a step must be 0 or more, not {step}")
    if step == 0:
        return denoise

    def descended(x_t: Tensor, t: T) -> Denoised:
        d = denoise(x_t, t)
        with torch.inference_mode(False), torch.enable_grad():
            x0 = d.x0.clone().float().requires_grad_()
            (slope,) = torch.autograd.grad(misfit(x0).sum(), x0)
        length = slope.square().mean((1, 2, 3), keepdim=True).sqrt()
        moved = d.x0 - step * (slope / length.clamp(min=FLAT)).to(d.x0)
        return d.with_x0(moved.clamp(-1, 1))

    return descended
