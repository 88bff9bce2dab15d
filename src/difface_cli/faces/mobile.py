"""RetinaFace on its small backbone, put together from facexlib's parts without torchvision.

facexlib's own class imports torchvision for its other backbone, which takes longer than importing
torch. The file that holds the parts needs torch alone, and is loaded by itself.
"""

from __future__ import annotations

from functools import cache
from importlib import util
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

STAGES = ("stage1", "stage2", "stage3")
WIDTHS = [64, 128, 256]  # channels of the three stages
FEATURES = 64
CONFIG = {
    "min_sizes": [[16, 32], [64, 128], [256, 512]],
    "steps": [8, 16, 32],
    "variance": [0.1, 0.2],
}


class MobileRetinaFace(nn.Module):
    """Deng et al. 2020 with MobileNet V1 at a quarter of its width; facexlib's "mobile0.25".

    Names of parameters, `cfg` and `phase` are those of facexlib's class.
    """

    def __init__(self) -> None:
        super().__init__()
        parts = _parts()
        backbone = parts.MobileNetV1()
        self.cfg: dict[str, Any] = dict(CONFIG)
        self.phase = "test"
        self.body = nn.ModuleDict({stage: getattr(backbone, stage) for stage in STAGES})
        self.fpn = parts.FPN(WIDTHS, FEATURES)
        self.ssh1, self.ssh2, self.ssh3 = (parts.SSH(FEATURES, FEATURES) for _ in STAGES)
        self.ClassHead = parts.make_class_head(inchannels=FEATURES)
        self.BboxHead = parts.make_bbox_head(inchannels=FEATURES)
        self.LandmarkHead = parts.make_landmark_head(inchannels=FEATURES)

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """What each of A anchors sees.

        Args:
            pictures: b×3×h×w, BGR less the mean.

        Returns:
            Offsets b×A×4, probabilities (no face, face) b×A×2 or, in the phase "train", their
            logits, and landmarks b×A×10.
        """
        stages = []
        for stage in self.body.values():
            pictures = stage(pictures)
            stages.append(pictures)
        levels = zip((self.ssh1, self.ssh2, self.ssh3), self.fpn(stages), strict=True)
        features = [context(level) for context, level in levels]
        offsets, logits, landmarks = (
            torch.cat([head(f) for head, f in zip(heads, features, strict=True)], dim=1)
            for heads in (self.BboxHead, self.ClassHead, self.LandmarkHead)
        )
        return offsets, logits if self.phase == "train" else logits.softmax(-1), landmarks


@cache
def _parts() -> Any:
    """The module `facexlib.detection.retinaface_net`, without the packages around it."""
    package = util.find_spec("facexlib")
    if package is None or package.origin is None:
        raise ModuleNotFoundError("No module named 'facexlib'", name="facexlib")
    file = Path(package.origin).with_name("detection") / "retinaface_net.py"
    spec = util.spec_from_file_location("difface_cli.faces.facexlib_retinaface_net", file)
    if spec is None or spec.loader is None:
        raise ModuleNotFoundError(f"{file} is no module", name="facexlib")
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
