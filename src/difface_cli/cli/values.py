"""Values as users write them, such as lists: 100,200,400 or 100:600:100, both ends taken."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import TYPE_CHECKING

from difface_cli.base.errors import UsageError

if TYPE_CHECKING:
    from difface_cli.faces.detect import Face

MOST = 1000
FARTHEST = 1e6  # pixels; no photo has a side so long


def whole(text: str, option: str) -> tuple[int, ...]:
    """Whole numbers, each once, in the order they were named.

    Raises:
        UsageError: naming the option, for anything else.
    """
    return tuple(int(value) for value in _values(text, option, "400 or 100:600:100", _whole))


def real(text: str, option: str) -> tuple[float, ...]:
    """Numbers, each once, in the order they were named.

    Raises:
        UsageError: naming the option, for anything else.
    """
    return tuple(float(value) for value in _values(text, option, "0.5 or 0:1:0.25", Decimal))


def names(text: str, option: str) -> tuple[str, ...]:
    """Names, each once, in the order they were named.

    Raises:
        UsageError: naming the option, when there is none.
    """
    return tuple(dict.fromkeys(_parts(text, option)))


def n(text: str | None, *, auto: bool = False) -> tuple[int | None, bool]:
    """The number of `--n`, None where there is none, and whether it is auto.

    Args:
        auto: whether it is where nothing is said.

    Raises:
        UsageError: for anything else.
    """
    if text is None:
        return None, auto
    try:
        return (None, True) if text == "auto" else (int(text), False)
    except ValueError:
        raise UsageError(
            f"--n takes a timestep or auto, not {text!r}.", "Leave it out for the model's own."
        ) from None


def batch(text: str) -> int:
    """The number of `--batch`; 0 for auto.

    Raises:
        UsageError: for anything else.
    """
    try:
        return 0 if text == "auto" else int(text)
    except ValueError:
        raise UsageError(
            f"--batch takes auto or a number of faces, not {text!r}.", "Leave it out for auto."
        ) from None


def faces(
    boxes: Sequence[str] | None, landmarks: Sequence[str] | None, photos: Sequence[str]
) -> tuple[Face, ...]:
    """The faces of --face and --landmarks.

    Args:
        photos: that they are in: a single one.

    Raises:
        UsageError: for anything but the numbers they take.
        FaceError: for landmarks that form no face.
    """
    from difface_cli.base.errors import FaceError
    from difface_cli.faces import by_hand

    if (boxes or landmarks) and len(photos) != 1:
        raise UsageError("--face and --landmarks are for a single photo.", "Name one photo.")
    found = [by_hand.face_in_box(*_numbers(box, 4, "--face")) for box in boxes or ()]
    for points in landmarks or ():
        numbers = _numbers(points, 10, "--landmarks")
        try:
            found.append(by_hand.face_at([numbers[i : i + 2] for i in range(0, 10, 2)]))
        except FaceError as error:
            raise FaceError(error.message, "Correct --landmarks.") from None
    return tuple(found)


def _numbers(text: str, count: int, option: str) -> list[float]:
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError:
        numbers = []
    fine = len(numbers) == count and all(abs(number) <= FARTHEST for number in numbers)
    if not fine or (count == 4 and min(numbers[2:]) <= 0):
        what = "X,Y,WIDTH,HEIGHT" if count == 4 else "five points X1,Y1,…,X5,Y5"
        raise UsageError(f"{option} takes {what} in pixels, not {text!r}.", "Correct it.")
    return numbers


def _values(
    text: str, option: str, example: str, number: Callable[[str], Decimal]
) -> dict[Decimal, None]:
    found: dict[Decimal, None] = {}
    for part in _parts(text, option):
        try:
            ends = [number(end) for end in part.split(":")]
            found.update(dict.fromkeys(_range(*ends)))
        except (ArithmeticError, ValueError, TypeError):  # of decimals: invalid, overflow
            raise UsageError(
                f"{option} takes numbers such as {example}, separated by commas, not {part!r}.",
                "A range is START:STOP:STEP, from START up, and STOP is part of it.",
            ) from None
        if len(found) > MOST:
            raise UsageError(f"{option} has more than {MOST} values.", "Take a larger step.")
    return found


def _parts(text: str, option: str) -> list[str]:
    parts = [part.strip() for part in text.split(",")]
    if not all(parts):
        raise UsageError(
            f"{option} has an empty place in {text!r}.", "Separate values by single commas."
        )
    return parts


def _range(
    start: Decimal, stop: Decimal | None = None, step: Decimal | None = None
) -> list[Decimal]:
    stop, step = start if stop is None else stop, Decimal(1) if step is None else step
    if not (start.is_finite() and stop.is_finite() and step.is_finite()):
        raise ValueError("not finite")
    if step <= 0 or stop < start:
        raise ValueError("no range")
    count = math.floor((stop - start) / step) + 1
    return [start + k * step for k in range(min(count, MOST + 1))]


def _whole(text: str) -> Decimal:
    return Decimal(int(text))
