"""Names become networks; the starter's do what they were trained for."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import skimage.data
import torch
from torch import Tensor

from difface_cli import models
from difface_cli.base.errors import DeviceError
from difface_cli.base.hashing import sha256
from difface_cli.degradations import Degradation
from difface_cli.faces import pose
from difface_cli.faces.align import crop, similarity
from difface_cli.method import difface
from difface_cli.method.difface import Settings
from difface_cli.models import Ready, resolve_device, resolve_precision
from difface_cli.training.scenes.album import Portrait
from difface_cli.training.scenes.heads import turned
from difface_cli.weights import registry
from difface_cli.weights.store import verified

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def starter() -> Ready:
    known = registry.load()
    return models.load(known, known.model("starter"), CPU, torch.float32)


@pytest.fixture(scope="module")
def truth(starter: Ready) -> Tensor:
    """The astronaut's aligned face, 1×3×256×256."""
    picture = skimage.data.astronaut()
    assert starter.detector is not None
    (face,) = starter.detector(picture)
    aligned = crop(picture, similarity(face.landmarks, 256), 256)
    return torch.from_numpy(aligned).permute(2, 0, 1)[None]


@pytest.fixture(scope="module")
def degraded(truth: Tensor) -> Tensor:
    return Degradation(9, 9, 0.0, scale=24, noise=10, quality=50, seed=1)(truth[0])[None]


def psnr(a: Tensor, b: Tensor) -> float:
    return float(-10 * ((a - b) ** 2).mean().log10())


def test_the_starter_is_within_its_limits(starter: Ready) -> None:
    files = list((registry.builtin_path().parents[0]).glob("src/difface_cli/starter/*.safetensors"))
    assert sum(path.stat().st_size for path in files) < 60e6
    assert starter.model.image_size == 256


def test_every_loaded_file_is_named_with_its_hash(starter: Ready) -> None:
    known = registry.load()
    assert len(starter.hashes) == 4
    for name, digest in starter.hashes.items():
        assert sha256(verified(known.weights[name])) == digest


def test_the_estimator_brings_a_face_nearer_to_the_truth(
    starter: Ready, truth: Tensor, degraded: Tensor
) -> None:
    with torch.inference_mode():
        estimate = difface.estimate(degraded, starter.estimator)
    assert psnr(estimate, truth) > psnr(degraded, truth) + 0.5


def test_the_prior_takes_noise_out_of_a_face(starter: Ready, truth: Tensor) -> None:
    """x0 predicted from x_t is far nearer than x_t, and nearer the less noise there was."""
    noise = torch.randn(truth.shape, generator=torch.Generator().manual_seed(0))
    x0 = 2 * truth - 1
    errors = []
    for t in (50, 150, 300):
        x_t = starter.schedule.q_sample(x0, t, noise)
        with torch.inference_mode():
            predicted = starter.denoise(x_t, t).x0
        errors.append(float((predicted - x0).abs().mean()))
        assert errors[-1] < 0.35 * float((x_t - x0).abs().mean())
    assert errors == sorted(errors)


def test_the_restored_face_is_still_found_where_it_was(
    starter: Ready, truth: Tensor, degraded: Tensor
) -> None:
    settings = Settings(n=starter.model.n, steps=10)
    with torch.inference_mode():
        f_y = difface.estimate(degraded, starter.estimator)
        out = difface.contract(f_y, starter.denoise, starter.schedule, settings, [0])
    assert starter.detector is not None
    rgb = (out[0] * 255).round().byte().permute(1, 2, 0).numpy()
    (face,) = starter.detector(rgb)
    matrix = similarity(face.landmarks, 256)
    shift = torch.from_numpy(matrix[:, 2]).abs().max()
    assert shift < 40  # of 256 pixels, for landmarks from two pictures


def test_the_starter_tells_turned_heads_from_others(starter: Ready) -> None:
    assert starter.detector is not None
    picture = skimage.data.astronaut()
    (found,) = starter.detector(picture)
    seen = Portrait(picture, np.array(found.box, np.float32), found.landmarks.astype(np.float32))
    turns = []
    for degrees in (0, -50, 50):
        (face,) = starter.detector(turned(seen, degrees).pixels)
        turns.append(pose.turn(face.landmarks))
    assert turns[0] < 0.2
    assert min(turns[1:]) > 0.35


def test_another_detector_tells_landmarks_itself() -> None:
    known = registry.load()
    model = known.model("starter")
    other = models.with_part(known, model, "detector", "detect", "starter-detector")
    assert "landmarks" in model.parts and "landmarks" not in other.parts
    assert models.with_part(known, model, "prior", "restore", "starter").parts == model.parts


def test_the_detector_is_loaded_only_where_faces_must_be_found() -> None:
    known = registry.load()
    ready = models.load(known, known.model("starter"), CPU, torch.float32, detector=False)
    assert ready.detector is None
    assert "starter-detector" not in ready.hashes


def test_bfloat16_stays_near_float32(starter: Ready, degraded: Tensor) -> None:
    known = registry.load()
    half = models.load(known, known.model("starter"), CPU, torch.bfloat16, detector=False)
    with torch.inference_mode():
        a, b = (difface.estimate(degraded, ready.estimator) for ready in (starter, half))
        assert b.dtype == torch.float32
        assert psnr(a, b) > 35
        x_t = 2 * degraded - 1
        assert psnr(starter.denoise(x_t, 100).x0, half.denoise(x_t, 100).x0) > 30


def test_the_largest_n_is_where_the_priors_training_ended() -> None:
    known = registry.load()
    assert models.max_n(known, known.model("starter")) == 600


class TestMachine:
    """Devices and precisions."""

    def test_cpu_is_always_there_and_auto_takes_something(self) -> None:
        assert resolve_device("cpu") == CPU
        assert resolve_device("auto").type in models.DEVICES

    @pytest.mark.parametrize("name", ["cuda", "mps"])
    def test_an_absent_device_is_an_error_that_names_those_there_are(
        self, name: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("torch.cuda.is_available", lambda: False)
        monkeypatch.setattr("torch.backends.mps.is_available", lambda: False)
        with pytest.raises(DeviceError, match=f"no {name} device.*one of: cpu"):
            resolve_device(name)

    @pytest.mark.parametrize("native", [True, False])
    def test_auto_takes_bfloat16_only_where_it_is_native(
        self, native: bool, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            monkeypatch.setattr(f"torch.cpu.{probe}", lambda: native, raising=False)
        expected = torch.bfloat16 if native else torch.float32
        assert resolve_precision("auto", CPU) == expected

    @pytest.mark.parametrize("native", [True, False])
    def test_emulated_bfloat16_is_warned_of(
        self, native: bool, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        for probe in ("_is_avx512_bf16_supported", "_is_amx_tile_supported"):
            monkeypatch.setattr(f"torch.cpu.{probe}", lambda: native, raising=False)
        resolve_precision("bf16", CPU)
        assert ("no instructions for bf16" in caplog.text) != native

    def test_named_precisions(self) -> None:
        assert resolve_precision("fp32", CPU) == torch.float32
        assert resolve_precision("bf16", CPU) == torch.bfloat16
        assert resolve_precision("fp16", torch.device("cuda")) == torch.float16
        with pytest.raises(DeviceError, match="fp16"):
            resolve_precision("fp16", CPU)

    @pytest.fixture
    def _rounding(self) -> Iterator[None]:
        """What PyTorch may round, put back at the end; monkeypatch cannot undo such a property."""
        libraries = torch.backends.cuda.matmul, torch.backends.cudnn
        before = [library.allow_tf32 for library in libraries]
        yield
        for library, allowed in zip(libraries, before, strict=True):
            library.allow_tf32 = allowed

    @pytest.mark.usefixtures("_rounding")
    @pytest.mark.parametrize("before", [True, False])
    @pytest.mark.parametrize("name", ["tf32", "fp32", "bf16", "fp16"])
    def test_only_tf32_allows_cuda_to_round_float32(self, name: str, before: bool) -> None:
        libraries = torch.backends.cuda.matmul, torch.backends.cudnn
        for library in libraries:
            library.allow_tf32 = before
        resolve_precision("fp32", CPU)  # is no business of CUDA's
        with pytest.raises(DeviceError, match="tf32"):
            resolve_precision("tf32", CPU)
        assert [library.allow_tf32 for library in libraries] == [before, before]
        dtype = resolve_precision(name, torch.device("cuda"))
        assert dtype == models.PRECISIONS[name]
        assert [library.allow_tf32 for library in libraries] == [name == "tf32"] * 2

    @pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
    @pytest.mark.usefixtures("_rounding")
    @pytest.mark.parametrize("name", ["tf32", "fp32"])
    def test_a_product_on_cuda_is_rounded_as_allowed(self, name: str) -> None:
        """1 + 2⁻¹² has more than the 10 bits of a fraction that are left of it in tf32."""
        dtype = resolve_precision(name, torch.device("cuda"))
        x = torch.full((512, 512), 1 + 2**-12, dtype=dtype, device="cuda")
        product = x @ torch.eye(512, dtype=dtype, device="cuda")
        assert bool((product == x).all()) == (name == "fp32")
