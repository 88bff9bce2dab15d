"""How a photo is to be treated: the choices, their ranges, and which faces they mean."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from difface_cli.base.errors import FaceError, UsageError, require
from difface_cli.faces.detect import Face
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.trust import gate
from difface_cli.trust.choosing import MEASURES
from difface_cli.weights.registry import Model

UPSCALES = (1, 2, 4)
GRAYS = ("auto", "on", "off")
FAST_SAMPLER, FAST_STEPS = "dpm++", 10
OTHER_STEPS = 20  # at least, of a sampler that is not the model's own
MOST_GUIDE = 10.0  # grey levels a call, far beyond what is of use, which is 0.5
CHOICES = ("all", "largest", "center")


@dataclass(frozen=True)
class Options:
    """How a photo is treated, beside the method's own settings.

    Attributes:
        samples: restorations of each face, each with its own noise.
        strength: 0 keeps the original face, 1 takes the restored one whole.
        aligned: the photo is one face, aligned to the FFHQ template already.
        faces: "all", "largest", "center" or indices such as "0,2".
        by_hand: faces given, in the place of those that the detector finds.
        min_face: the smallest width of a face that is restored, pixels.
        upscale: enlargement of the whole photo.
        gray: whether restored faces lose their colour: "auto" follows the photo.
        batch: faces a network call; 0 is auto, see `batches.Batches`.
        auto_n: whether each face's N follows from how degraded it is; `settings` give the rest.
        choose: what decides which of the samples is kept, one of `MEASURES`; empty to
            keep all.
        keep_detail: whether the photo's detail is put back where it has more than the face drawn.
        grain: whether a face drawn gets the grain of the photo.
        gate: "on" leaves faces alone that restoring would harm, "force" restores them and says
            why not, "off" does not ask.
        trust: how often each face is drawn at least, to see how the seeds differ.
        guide: how far each call of the prior moves the face towards the person of the reference
            photos, root mean square in grey levels of 255; 0 for not at all.
    """

    settings: Settings = field(default_factory=Settings)
    seed: int = 0
    samples: int = 1
    strength: float = 1.0
    aligned: bool = False
    faces: str = "all"
    by_hand: tuple[Face, ...] = ()
    min_face: float = gate.SMALLEST
    upscale: int = 1
    gray: str = "auto"
    batch: int = 0
    auto_n: bool = False
    choose: str = ""
    keep_detail: bool = False
    grain: bool = False
    gate: str = gate.OFF
    trust: int = 1
    guide: float = 0.0

    @property
    def results(self) -> int:
        """How many photos come of one."""
        return 1 if self.choose else self.samples

    @property
    def drawn(self) -> int:
        """How often each face is drawn."""
        return max(self.samples, self.trust)


def settings(
    model: Model,
    n: int | None,
    steps: int | None,
    eta: float | None,
    sampler: str | None,
    guidance: float | None = None,
    *,
    fast: bool = False,
) -> Settings:
    """The user's settings, with the model's own where the user names none (None).

    Args:
        fast: whether the sampler is that of few steps, and these are few unless the user names
            their number; measured by benchmarks/fewer_steps.py.

    Raises:
        UsageError: for another sampler that is to be fast.
    """
    n = model.n if n is None else n
    if fast:
        if sampler not in (None, FAST_SAMPLER):
            raise UsageError(
                f"--fast runs {FAST_SAMPLER}, and --sampler says {sampler}.",
                "Leave one of them out; --steps sets the number of calls.",
            )
        sampler, own = FAST_SAMPLER, min(FAST_STEPS, model.steps)
    else:  # the model's steps are for its sampler; whoever names their number means the paper's
        sampler = sampler or (model.sampler if steps is None else Settings.sampler)
        own = model.steps if sampler == model.sampler else max(model.steps, OTHER_STEPS)
    own_guidance = model.guidance if sampler == model.sampler else 0.0
    return Settings(
        n=n,
        steps=min(own, n) if steps is None else steps,
        eta=model.eta if eta is None else eta,
        sampler=sampler,
        guidance=own_guidance if guidance is None else guidance,
    )


def check(options: Options, model: str, max_n: int) -> None:
    """Raise UsageError, naming option and range, unless the options can be run.

    Args:
        model: the model's name, for the message.
        max_n: the largest N its prior was trained for.
    """
    try:
        difface.check(options.settings, max_n)
    except ValueError as e:
        raise UsageError(f"For the model {model}, {e}.", "See the command's --help.") from None
    check_counts(options)
    check_pasting(options)
    parse_choice(options.faces)
    found = not options.by_hand
    problems = (
        (found or not options.aligned, "An --aligned picture is a face already"),
        (
            found or options.faces == "all",
            "--faces chooses among faces that are found, and --face names one",
        ),
    )
    require(problems, "Leave one of them out.")


def check_counts(options: Options) -> None:
    """Raise UsageError, naming option and range, for numbers of faces that mean nothing."""
    problems = (
        (options.samples >= 1, f"--samples must be at least 1, not {options.samples}"),
        (
            options.choose in ("", *MEASURES),
            f"--choose takes {', '.join(MEASURES)}, not {options.choose!r}",
        ),
        (
            options.samples > 1 or not options.choose,
            "--choose needs several samples to choose from; add --samples 4",
        ),
        (options.min_face >= 0, f"--min-face must not be negative, not {options.min_face}"),
        (options.trust >= 1, f"--trust must be at least 1, not {options.trust}"),
        (options.gate in gate.MODES, f"--gate must be on or off, not {options.gate}"),
        (
            0 <= options.guide <= MOST_GUIDE,
            f"--guide must be 0 to {MOST_GUIDE:g}, not {options.guide:g}",
        ),
        (options.batch >= 0, f"--batch must not be negative, not {options.batch}"),
    )
    require(problems, "See the command's --help.")


def check_pasting(options: Options) -> None:
    """Raise UsageError, naming option and range, unless faces can be pasted as is asked."""
    problems = (
        (0 <= options.strength <= 1, f"--strength must be 0 to 1, not {options.strength}"),
        (options.upscale in UPSCALES, f"--upscale must be 1, 2 or 4, not {options.upscale}"),
        (options.gray in GRAYS, f"--gray must be auto, on or off, not {options.gray}"),
    )
    require(problems, "See the command's --help.")


def parse_choice(choice: str, option: str = "--faces") -> str | frozenset[int]:
    """ "all", "largest", "center", or the indices of a list such as "0,2".

    Raises:
        UsageError: for anything else.
    """
    if choice in CHOICES:
        return choice
    parts = [part.strip() for part in choice.split(",")]
    if not all(part.isascii() and part.isdigit() for part in parts):
        raise UsageError(
            f"{option} takes all, largest, center or numbers such as 0,2, not {choice!r}.",
            "See the numbers of the faces with difface restore --dry-run.",
        )
    return frozenset(int(part) for part in parts)


def choose(faces: Sequence[Face], choice: str, width: int, height: int) -> frozenset[int]:
    """The indices of the faces that are meant; faces come largest first."""
    wanted = parse_choice(choice)
    if isinstance(wanted, frozenset):
        if absent := sorted(wanted - set(range(len(faces)))):
            there = f"0 to {len(faces) - 1}" if faces else "none"
            raise FaceError(
                f"There is no face {absent[0]}: the faces found are {there}.",
                "See their numbers with difface restore --dry-run.",
            )
        return wanted
    if wanted == "all" or not faces:
        return frozenset(range(len(faces)))
    if wanted == "largest":
        return frozenset({0})

    def off_centre(index: int) -> float:
        x0, y0, x1, y1 = faces[index].box
        return float(np.hypot((x0 + x1 - width) / 2, (y0 + y1 - height) / 2))

    return frozenset({min(range(len(faces)), key=off_centre)})
