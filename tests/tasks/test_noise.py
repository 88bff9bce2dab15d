"""A face's noise belongs to the file and the face's rank, and to nothing that rounds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from difface_cli.images import Photo
from difface_cli.models import Ready
from difface_cli.tasks import Engine, Restore, Result, Scene
from difface_cli.tasks.options import Options
from tests.tasks.test_restore import QUICK, SHA, TWO, Eyes, face_at, photo, ready

LEVEL = 1 / 255


def run(before: Photo, model: Ready, options: Options = QUICK, sha256: str = SHA) -> Result:
    return Engine(model, Restore(), options).run(Scene(before, before, sha256))


def faces(result: Result) -> list[np.ndarray]:  # type: ignore[type-arg]
    return [crops.restored[0] for crops in result.crops]


def smooth() -> Photo:
    """Without the edges that a shift by a hundredth of a pixel shows at."""
    y, x = np.mgrid[:120, :160]
    waves = [128 + 100 * np.sin(x / a + y / b) for a, b in ((9, 20), (15, 11), (30, 17))]
    return Photo(np.stack(waves, axis=2).round().astype(np.uint8))


def test_one_grey_level_in_one_pixel_draws_the_same_face() -> None:
    """It redrew the whole face when noise followed from the crop's pixels."""
    before, touched = photo(), photo().pixels.copy()
    touched[50, 50] ^= 1
    one, two = faces(run(before, ready(TWO))), faces(run(Photo(touched), ready(TWO)))
    apart = [np.abs(a - b).max() for a, b in zip(one, two, strict=True)]
    assert 0 < apart[0] <= 2 * LEVEL
    assert apart[1] == 0  # the pixel is not of the second face


def test_the_last_bits_of_a_landmark_draw_the_same_face() -> None:
    moved = [replace(face, landmarks=face.landmarks + 1e-4) for face in TWO]
    before = smooth()
    one, two = faces(run(before, ready(TWO))), faces(run(before, ready(moved)))
    for a, b in zip(one, two, strict=True):
        assert np.abs(a - b).max() <= 2 * LEVEL


def test_another_file_is_another_draw() -> None:
    one, two = run(photo(), ready(TWO)), run(photo(), ready(TWO), sha256="cd" * 32)
    assert not {*one.faces[0].seeds} & {*two.faces[0].seeds}


def test_two_faces_of_a_photo_have_noise_of_their_own_in_any_order_of_size() -> None:
    one, two = run(photo(), ready(TWO)), run(photo(), ready(TWO[::-1]))
    assert one.faces[0].seeds != one.faces[1].seeds
    assert [f.seeds for f in one.faces] == [f.seeds for f in two.faces[::-1]]


def test_one_more_face_behind_the_others_moves_nothing() -> None:
    more = [*TWO, face_at(110, 90, 25)]
    one, two = run(photo(), ready(TWO)), run(photo(), ready(more))
    assert all(np.array_equal(a, b) for a, b in zip(faces(one), faces(two), strict=False))


def test_batches_and_company_move_nothing_but_rounding() -> None:
    one = faces(run(photo(), ready(TWO), replace(QUICK, batch=1)))
    four = faces(run(photo(), ready(TWO), replace(QUICK, batch=4)))
    for a, b in zip(one, four, strict=True):
        assert np.abs(a - b).max() <= 2 * LEVEL


def test_known_seeds_are_drawn_from() -> None:
    engine = Engine(ready(TWO), Restore(), QUICK)
    before = photo()
    other = engine.run(Scene(before, before, "cd" * 32), {0: (5,), 1: (6,)})
    assert [found.seeds for found in other.faces] == [(5,), (6,)]
    plain = engine.run(Scene(before, before, "cd" * 32))
    assert not np.array_equal(faces(other)[0], faces(plain)[0])


def test_only_places_among_the_found_count_not_their_last_bits() -> None:
    shifted = [
        replace(face, box=tuple(v + 1e-6 for v in face.box))
        for face in TWO  # type: ignore[arg-type]
    ]
    eyes = Eyes(shifted, TWO[0])
    model = replace(ready(TWO), detector=eyes)  # type: ignore[arg-type]
    assert [f.seeds for f in run(photo(), model).faces] == [
        f.seeds for f in run(photo(), ready(TWO)).faces
    ]
