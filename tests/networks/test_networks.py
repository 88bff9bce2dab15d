"""What the golden vectors do not show: other sizes, patches, training after inference, errors."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from difface_cli.networks import build
from difface_cli.networks.doubling import DoublingConv
from difface_cli.networks.padding import pad_to_multiple
from difface_cli.networks.swinir import attend
from difface_cli.networks.unet import UNet
from difface_cli.networks.unet_blocks import timestep_embedding
from difface_cli.networks.windows import shift_mask

UNET: dict[str, Any] = {
    "image_size": 16, "in_channels": 3, "model_channels": 32, "out_channels": 3,
    "num_res_blocks": 1, "attention_resolutions": [8], "channel_mult": [1, 2],
    "num_head_channels": 32,
}  # fmt: skip
SWINIR: dict[str, Any] = {
    "img_size": 8, "embed_dim": 8, "depths": [2], "num_heads": [2], "sf": 8, "num_feat": 8,
    "unshuffle_scale": 8, "window_size": 4,
}  # fmt: skip


@pytest.fixture(autouse=True)
def _seed() -> None:
    torch.manual_seed(0)


def test_patches_are_unshuffled_in_front_and_shuffled_behind() -> None:
    patched = build("unet", UNET | {"in_channels": 12, "out_channels": 12, "patch_size": 2})
    plain = build("unet", UNET | {"in_channels": 12, "out_channels": 12})
    plain.load_state_dict(patched.state_dict())
    x, t = torch.randn(2, 3, 32, 32), torch.tensor([3, 500])
    with torch.inference_mode():
        expected = F.pixel_shuffle(plain(F.pixel_unshuffle(x, 2), t), 2)
        torch.testing.assert_close(patched(x, t), expected)


def test_timesteps_change_the_prediction_and_their_embedding_is_unit_circles() -> None:
    network, x = build("unet", UNET), torch.randn(1, 3, 16, 16).expand(2, -1, -1, -1)
    with torch.inference_mode():
        a, b = network(x, torch.tensor([0, 400]))
    assert (a - b).abs().max() > 1e-3
    cos, sin = timestep_embedding(torch.tensor([0, 7, 999]), 32).chunk(2, dim=1)
    torch.testing.assert_close(cos**2 + sin**2, torch.ones(3, 16))


def test_perturbed_each_place_attends_to_itself_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    network, x, t = build("unet", UNET), torch.randn(2, 3, 16, 16), torch.tensor([300])
    attention = F.scaled_dot_product_attention

    def alone(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        return attention(q, k, v, attn_mask=torch.eye(q.shape[-2], dtype=torch.bool))

    with torch.inference_mode():
        plain, perturbed = network(x, t), network(x, t, perturbed=True)
        monkeypatch.setattr(F, "scaled_dot_product_attention", alone)
        torch.testing.assert_close(perturbed, network(x, t))
    assert (plain - perturbed).abs().max() > 1e-4


def test_zero_init_starts_with_a_silent_network() -> None:
    network = build("unet", UNET)
    assert isinstance(network, UNet)
    network.zero_init()
    assert network(torch.randn(1, 3, 16, 16), torch.tensor([5])).abs().max() == 0


def test_shifted_windows_are_kept_apart_only_where_they_wrapped() -> None:
    """A position may attend to those that were its neighbours before the shift, and no others."""
    height, width, window, shift = 8, 12, 4, 2
    mask = shift_mask(height, width, window, shift, torch.device("cpu"))
    y, x = torch.meshgrid(torch.arange(height), torch.arange(width), indexing="ij")
    rolled = torch.stack([y, x]).roll((-shift, -shift), dims=(1, 2))
    tiles = rolled.unfold(1, window, window).unfold(2, window, window)
    tiles = tiles.permute(1, 2, 0, 3, 4).reshape(-1, 2, window**2)
    for tile, tile_mask in zip(tiles, mask, strict=True):
        distance = (tile[:, :, None] - tile[:, None, :]).abs().amax(0)
        assert torch.equal(tile_mask == 0, distance < window)


@pytest.mark.parametrize("size", [(64, 64), (40, 72), (9, 200)])
def test_swinir_takes_any_size(size: tuple[int, int]) -> None:
    y = torch.rand(1, 3, *size)
    with torch.inference_mode():
        assert build("swinir", SWINIR)(y).shape == y.shape


def test_swinir_can_be_trained_after_inference() -> None:
    network, y = build("swinir", SWINIR), torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        network(y)
    network(y).mean().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_srcnn_has_the_papers_size() -> None:
    """Table I: 1.03 M parameters."""
    parameters = sum(p.numel() for p in build("srcnn", {}).parameters())
    assert round(parameters / 1e6, 2) == 1.03


def test_padding_extends_right_and_below_only() -> None:
    x = torch.rand(1, 3, 5, 7)
    padded = pad_to_multiple(x, 4)
    assert padded.shape[-2:] == (8, 8)
    assert torch.equal(padded[..., :5, :7], x)
    assert torch.equal(padded[..., 5:, :7], x[..., [3, 2, 1], :])
    assert pad_to_multiple(padded, 4) is padded
    assert pad_to_multiple(x[..., :1, :1], 4).shape[-2:] == (4, 4)


@pytest.mark.parametrize(
    ("network", "params", "named"),
    [
        ("vgg", {}, "no network 'vgg'"),
        ("unet", UNET | {"num_res_blocks": [1]}, "num_res_blocks"),
        ("unet", UNET | {"depth": 3}, "depth"),
        ("unet", UNET | {"use_new_attention_order": True}, "use_new_attention_order"),
        ("swinir", SWINIR | {"upsampler": "pixelshuffle"}, "upsampler"),
        ("swinir", SWINIR | {"sf": 3}, "power of two"),
        ("srcnn", {"down_scale_factor": 3}, "power of two"),
        ("lama", {"add_out_act": "tanh"}, "lama|tanh"),
    ],
)
def test_what_is_not_built_is_named(network: str, params: dict[str, Any], named: str) -> None:
    with pytest.raises(ValueError, match=named):
        build(network, params)


def test_ignored_settings_of_published_configs_are_accepted() -> None:
    extra = {"conv_resample": True, "dims": 2, "use_fp16": False, "use_new_attention_order": False}
    assert isinstance(build("unet", UNET | extra), UNet)


def test_a_residual_swinir_that_predicts_nothing_gives_its_input_back() -> None:
    network = build("swinir", SWINIR | {"residual": True})
    for parameter in network.get_submodule("conv_last").parameters():
        torch.nn.init.zeros_(parameter)
    y = torch.rand(1, 3, 40, 72)
    torch.testing.assert_close(network(y), y)


class TestSpeed:
    """What is computed in another way for speed says the same."""

    @pytest.mark.parametrize("size", [(5, 7), (1, 1), (8, 2)])
    def test_a_folded_convolution_is_enlarging_and_convolving(self, size: tuple[int, int]) -> None:
        layer, x = DoublingConv(3, 4), torch.randn(2, 3, *size)
        with torch.inference_mode():
            expected = F.conv2d(x.repeat_interleave(2, 2).repeat_interleave(2, 3), layer.weight,
                                layer.bias, padding=1)  # fmt: skip
            torch.testing.assert_close(layer(x), expected)
            layer.fold()
            layer.fold()  # once is enough
            folded = layer(x)
        torch.testing.assert_close(folded, expected)
        assert folded.is_contiguous(memory_format=torch.channels_last)

    def test_one_timestep_for_all_is_that_timestep_for_each(self) -> None:
        network, x = build("unet", UNET), torch.randn(3, 3, 16, 16)
        with torch.inference_mode():
            torch.testing.assert_close(
                network(x, torch.tensor([7])), network(x, torch.tensor([7, 7, 7]))
            )

    def test_windows_attend_alike_with_and_without_gradients(self) -> None:
        """The fused kernel runs in training, plain products on the CPU in inference."""
        qkv, bias = torch.randn(3, 6, 2, 16, 5), torch.randn(6, 2, 16, 16)
        with torch.inference_mode():
            products = attend(qkv, bias)
        torch.testing.assert_close(attend(qkv, bias), products)


@pytest.mark.parametrize(
    ("network", "wrong", "said"),
    [
        ("unet", {"num_res_blocks": 10**9}, "num_res_blocks is out of all proportion"),
        ("unet", {"model_channels": -1}, "negative"),
        ("unet", {"channel_mult": [[[[[1]]]]]}, "channel_mult is out of all proportion"),
        ("unet", {"dropout": float("nan")}, "dropout is out of all proportion"),
        ("swinir", {"sf": float("inf")}, "sf is out of all proportion"),
        ("swinir", {"num_feat": -(2**63)}, "num_feat is out of all proportion"),
        ("swinir", {"window_size": "8"}, "network swinir: "),
        ("srcnn", {"down_scale_factor": "4"}, "network srcnn: "),
        ("srcnn", {"depth": 10**30}, "depth is out of all proportion"),
        ("lama", {"init_conv_kwargs": None}, "network lama: "),
        ("lama", {"init_conv_kwargs": {"ratio_gin": 0}}, "'ratio_gout' is missing"),
    ],
)
def test_what_makes_no_network_is_refused_at_once(
    network: str, wrong: dict[str, Any], said: str
) -> None:
    whole = {"ratio_gin": 0, "ratio_gout": 0}
    kwargs = {f"{part}_conv_kwargs": whole for part in ("init", "downsample", "resnet")}
    right = {"unet": UNET, "swinir": SWINIR, "srcnn": {}, "lama": kwargs}[network]
    with torch.device("meta"):
        build(network, right)
        with pytest.raises(ValueError, match=said):
            build(network, right | wrong)
