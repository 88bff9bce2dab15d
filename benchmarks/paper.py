"""Numbers that the paper prints: Yue & Loy 2022, CelebA-Test at 512, its own model.

Measure → column → value. "Dif(A/B)" of table VIII stands under its B calls of the prior.
"""

from __future__ import annotations

from collections.abc import Mapping

Numbers = Mapping[str, Mapping[str, float]]


def _rows(columns: tuple[str, ...], rows: Mapping[str, tuple[float, ...]]) -> Numbers:
    return {name: dict(zip(columns, values, strict=True)) for name, values in rows.items()}


TABLE_I = _rows(
    ("SRCNN", "DifFace(SRCNN)", "SwinIR", "DifFace(SwinIR)"),
    {
        "PSNR": (23.58, 23.03, 24.32, 23.44),
        "SSIM": (0.722, 0.670, 0.736, 0.670),
        "LPIPS": (0.555, 0.517, 0.507, 0.461),
        "IDS": (73.09, 70.80, 63.80, 64.94),
        "LMD": (11.13, 8.40, 5.82, 6.06),
        "FID-F": (133.49, 58.53, 131.82, 48.98),
        "FID-G": (108.68, 44.83, 93.73, 20.29),
    },
)

TABLE_II = _rows(
    ("0", "0.25", "0.5", "0.75", "1"),
    {
        "PSNR": (23.49, 23.48, 23.44, 23.37, 23.28),
        "SSIM": (0.681, 0.684, 0.670, 0.695, 0.699),
        "LPIPS": (0.475, 0.471, 0.461, 0.449, 0.443),
        "IDS": (64.58, 64.65, 64.94, 65.37, 65.87),
        "LMD": (6.018, 6.030, 6.056, 6.091, 6.132),
        "FID-F": (51.81, 50.68, 48.98, 48.32, 50.29),
        "FID-G": (23.51, 22.18, 20.29, 19.04, 19.63),
    },
)

TABLE_VIII = _rows(
    ("100", "40", "20", "8"),
    {
        "PSNR": (23.44, 23.41, 23.21, 21.88),
        "SSIM": (0.690, 0.684, 0.657, 0.496),
        "LPIPS": (0.461, 0.475, 0.498, 0.591),
        "IDS": (64.94, 64.87, 64.91, 65.86),
        "LMD": (6.06, 6.07, 6.06, 6.10),
        "FID-F": (48.98, 49.72, 54.32, 70.89),
        "FID-G": (20.29, 21.74, 26.35, 42.54),
    },
)

TABLE_V: Mapping[str, Numbers] = {
    kind: _rows(("LaMa", "DifFace"), {"LPIPS": lpips, "FID-F": fid_f, "FID-G": fid_g})
    for kind, lpips, fid_f, fid_g in (
        ("box", (0.082, 0.090), (85.10, 75.22), (12.31, 12.35)),
        ("irregular", (0.184, 0.187), (86.88, 71.14), (25.79, 22.90)),
        ("half", (0.224, 0.210), (95.27, 77.58), (32.07, 24.97)),
        ("expand", (0.403, 0.360), (131.21, 91.61), (68.75, 37.59)),
    )
}
