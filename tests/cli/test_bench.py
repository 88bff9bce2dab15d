"""`difface bench` as a user runs it, on the starter and on a model that is not here."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from difface_cli.bench import timing
from difface_cli.cli.app import build

QUICK = ["--rounds", "1", "--device", "cpu"]
TINY = """
[models.tiny]
task = "restore"
prior = "tiny-prior"
estimator = "tiny-estimator"
detector = "starter-detector"
image_size = 64
steps = 4

[weights.tiny-prior]
part = "prior"
network = "unet"
sources = [{ path = "nowhere.safetensors" }]
licence = "none"

[weights.tiny-prior.params]
image_size = 64
in_channels = 3
model_channels = 32
out_channels = 6
num_res_blocks = 1
attention_resolutions = [32]
channel_mult = [1, 1]
num_head_channels = 32

[weights.tiny-estimator]
part = "estimator"
network = "srcnn"
params = { down_scale_factor = 2, num_chns = 8 }
sources = [{ path = "nowhere.safetensors" }]
licence = "none"
"""


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A model whose files are nowhere, and matrices that are soon multiplied."""
    monkeypatch.setattr(timing, "MATRIX", {"cpu": 256})
    monkeypatch.setattr(timing, "PEAK_SECONDS", 0.01)
    (tmp_path / "tiny.toml").write_text(TINY)
    monkeypatch.setenv("DIFFACE_MODELS", str(tmp_path / "tiny.toml"))


def difface(*arguments: str, model: str = "tiny") -> Any:
    app, _ = build()
    return CliRunner().invoke(app, ["bench", "--model", model, *arguments, *QUICK])


def test_json_holds_what_follows_from_its_own_numbers() -> None:
    result = difface("--compare", "--steps", "7", "--json", "--precision", "fp32")
    assert result.exit_code == 0, result.output
    record = json.loads(result.stdout)
    assert [way["way"] for way in record["ways"]] == ["difface", "plain"]
    assert record["random_weights"]
    assert "random weights" in result.stderr
    assert record["memory_bytes"] > 2**20
    for way in record["ways"]:
        prior, estimator = way["networks"]
        assert way["seconds_a_face"] == estimator["seconds_a_call"] + 7 * prior["seconds_a_call"]
        assert prior["gflops"] == pytest.approx(prior["gflop"] / prior["seconds_a_call"], abs=0.1)
        share = prior["gflops"] / way["peak_gflops"]
        assert prior["share_of_peak"] == pytest.approx(share, abs=2e-3)
        assert prior["relative_difference_to_plain"] < 1e-4  # of float32
    assert record["ways"][1]["networks"][0]["relative_difference_to_plain"] == 0


def test_a_table_says_steps_machine_and_memory() -> None:
    result = difface("--steps", "3", "--random")
    assert "random weights" not in result.stderr  # as asked for
    assert result.exit_code == 0, result.output
    for part in ("prior", "estimator", "face", "3 steps", "threads", "GB"):
        assert part in result.stdout
    heading = next(line for line in result.stdout.splitlines() if "GFLOP/s" in line)
    assert all(name in heading for name in ("seconds", "of peak", "faster", "differs"))


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["--steps", "0"], "--steps"),
        (["--batch", "0"], "--batch"),
        (["--precision", "tf32"], "tf32"),
    ],
)
def test_what_cannot_be_measured_is_refused_in_a_sentence(arguments: list[str], named: str) -> None:
    result = difface(*arguments)
    assert result.exit_code == 2
    assert named in result.output
    assert "Traceback" not in result.output


def test_the_starters_own_weights_are_taken() -> None:
    result = difface("--json", model="starter")
    assert not json.loads(result.stdout)["random_weights"]


@pytest.mark.parametrize("model", ["parsenet", "nobody"])
def test_a_model_that_restores_nothing_is_refused(model: str) -> None:
    result = difface(model=model)
    assert result.exit_code == 2
    assert model in result.output
