"""The estimator for holes: the LaMa generator, built of fast Fourier convolutions.

Suvorov et al. 2022, "Resolution-robust Large Mask Inpainting with Fourier Convolutions"; Chi et
al. 2020, "Fast Fourier Convolution". Features are split into a local part, seen by ordinary
convolutions, and a global part, convolved in the frequency domain, where each output depends on
the whole picture. Parameter names are those of the published checkpoints.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

MAX_FEATURES = 1024


class Ratios(NamedTuple):
    """The global share of the channels going in and out."""

    gin: float
    gout: float

    @classmethod
    def of(cls, kwargs: Mapping[str, float]) -> Ratios:
        """Read the published configs' `ratio_gin` and `ratio_gout`."""
        return cls(kwargs["ratio_gin"], kwargs["ratio_gout"])


# A feature map in its local and global part; a part with no channels is None.
Split = tuple[Tensor | None, Tensor | None]


class FourierUnit(nn.Module):
    """A 1×1 convolution over real and imaginary parts of the spectrum."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv_layer = nn.Conv2d(2 * channels, 2 * channels, 1, bias=False)
        self.bn = nn.BatchNorm2d(2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """b×c×h×w → the same shape. The transform is computed in float32 at least."""
        b, c, height, width = x.shape
        wide = x if x.dtype == torch.float64 else x.float()
        spectrum = torch.view_as_real(torch.fft.rfft2(wide, norm="ortho"))
        h = spectrum.permute(0, 1, 4, 2, 3).reshape(b, 2 * c, height, -1).to(x.dtype)
        h = F.relu(self.bn(self.conv_layer(h))).to(wide.dtype)
        h = h.reshape(b, c, 2, height, -1).permute(0, 1, 3, 4, 2).contiguous()
        out = torch.fft.irfft2(torch.view_as_complex(h), s=(height, width), norm="ortho")
        return out.to(x.dtype)


class SpectralTransform(nn.Module):
    """A Fourier unit on half the channels, inside a skip connection."""

    def __init__(self, in_channels: int, out_channels: int) -> None:
        super().__init__()
        half = out_channels // 2
        self.conv1 = nn.Sequential(
            nn.Conv2d(in_channels, half, 1, bias=False), nn.BatchNorm2d(half), nn.ReLU(inplace=True)
        )
        self.fu = FourierUnit(half)
        self.conv2 = nn.Conv2d(half, out_channels, 1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        h = self.conv1(x)
        return self.conv2(h + self.fu(h))


class FFC(nn.Module):
    """Four paths between the local and the global part; those without channels are left out."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        ratios: Ratios,
        *,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        in_global, out_global = int(in_channels * ratios.gin), int(out_channels * ratios.gout)
        in_local, out_local = in_channels - in_global, out_channels - out_global

        def conv(inputs: int, outputs: int) -> nn.Module | None:
            if not inputs or not outputs:
                return None
            return nn.Conv2d(
                inputs, outputs, kernel_size, stride, padding, bias=False, padding_mode="reflect"
            )

        self.convl2l = conv(in_local, out_local)
        self.convl2g = conv(in_local, out_global)
        self.convg2l = conv(in_global, out_local)
        self.convg2g = (
            SpectralTransform(in_global, out_global) if in_global and out_global else None
        )

    def forward(self, x: Split) -> Split:
        x_l, x_g = x
        return (
            _sum(_apply(self.convl2l, x_l), _apply(self.convg2l, x_g)),
            _sum(_apply(self.convl2g, x_l), _apply(self.convg2g, x_g)),
        )


def _apply(module: nn.Module | None, x: Tensor | None) -> Tensor | None:
    return None if module is None or x is None else module(x)


def _sum(a: Tensor | None, b: Tensor | None) -> Tensor | None:
    return b if a is None else a if b is None else a + b


class FFCBlock(nn.Module):
    """An FFC, batch norm and ReLU on each part."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        ratios: Ratios,
        *,
        stride: int = 1,
        padding: int = 0,
    ) -> None:
        super().__init__()
        self.ffc = FFC(
            in_channels, out_channels, kernel_size, ratios, stride=stride, padding=padding
        )
        out_global = int(out_channels * ratios.gout)
        self.bn_l = nn.BatchNorm2d(out_channels - out_global)
        self.bn_g = nn.BatchNorm2d(out_global) if out_global else None

    def forward(self, x: Split) -> Split:
        x_l, x_g = self.ffc(x)
        x_l, x_g = _apply(self.bn_l, x_l), _apply(self.bn_g, x_g)
        return None if x_l is None else F.relu(x_l), None if x_g is None else F.relu(x_g)


class FFCResidual(nn.Module):
    """Two FFC blocks inside one skip connection."""

    def __init__(self, dim: int, ratios: Ratios) -> None:
        super().__init__()
        self.conv1 = FFCBlock(dim, dim, 3, ratios, padding=1)
        self.conv2 = FFCBlock(dim, dim, 3, ratios, padding=1)

    def forward(self, x: Split) -> Split:
        h_l, h_g = self.conv2(self.conv1(x))
        return _sum(x[0], h_l), _sum(x[1], h_g)


class Join(nn.Module):
    """Local and global part side by side in one tensor."""

    def forward(self, x: Split) -> Tensor:
        return torch.cat([part for part in x if part is not None], dim=1)


class Start(nn.ReflectionPad2d):
    """Pad, and begin with everything in the local part."""

    def forward(self, x: Tensor) -> Split:  # type: ignore[override]
        return super().forward(x), None


class LaMa(nn.Module):
    """Fill the holes of a picture.

    Args:
        ngf: channels at full size; doubled by each of the `n_downsampling` halvings.
        n_blocks: residual blocks at the lowest size.
        init_conv_kwargs, downsample_conv_kwargs, resnet_conv_kwargs: `ratio_gin` and
            `ratio_gout`, the global share of channels going in and out.
        add_out_act: only "sigmoid" is built here.
    """

    def __init__(
        self,
        *,
        input_nc: int = 4,
        output_nc: int = 3,
        ngf: int = 64,
        n_downsampling: int = 3,
        n_blocks: int = 18,
        init_conv_kwargs: Mapping[str, float],
        downsample_conv_kwargs: Mapping[str, float],
        resnet_conv_kwargs: Mapping[str, float],
        add_out_act: str = "sigmoid",
    ) -> None:
        super().__init__()
        if add_out_act != "sigmoid":
            raise ValueError(f"output activation {add_out_act!r} is not built, only sigmoid")
        if any(k.get("enable_lfu") for k in (init_conv_kwargs, resnet_conv_kwargs)):
            raise ValueError("the local Fourier unit (enable_lfu) is not built")
        self.stride = 2**n_downsampling
        down, resnet = Ratios.of(downsample_conv_kwargs), Ratios.of(resnet_conv_kwargs)
        first = FFCBlock(input_nc, ngf, 7, Ratios.of(init_conv_kwargs))
        layers: list[nn.Module] = [Start(3), first]
        ch = ngf
        for i in range(n_downsampling):
            last = i == n_downsampling - 1
            ratios = Ratios(down.gin, resnet.gin if last else down.gout)
            out = min(MAX_FEATURES, 2 * ch)
            layers.append(FFCBlock(ch, out, 3, ratios, stride=2, padding=1))
            ch = out
        layers += [FFCResidual(ch, resnet) for _ in range(n_blocks)]
        layers.append(Join())
        for i in reversed(range(n_downsampling)):
            out = min(MAX_FEATURES, ngf * 2**i)
            up = nn.ConvTranspose2d(ch, out, 3, stride=2, padding=1, output_padding=1)
            layers += [up, nn.BatchNorm2d(out), nn.ReLU(inplace=True)]
            ch = out
        layers += [nn.ReflectionPad2d(3), nn.Conv2d(ch, output_nc, 7), nn.Sigmoid()]
        self.model = nn.Sequential(*layers)

    def forward(self, x: Tensor) -> Tensor:
        """Estimate the whole picture, holes filled.

        Args:
            x: b×4×h×w: the picture in [0, 1] with zeros in the holes, and the mask (1 = hole);
                h and w divisible by `self.stride`.

        Returns:
            b×3×h×w in [0, 1].
        """
        return self.model(x)
