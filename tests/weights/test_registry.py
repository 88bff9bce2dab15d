"""The registry: every block becomes a record, every mistake names file, table and key."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import pytest

from difface_cli.base.errors import RegistryError
from difface_cli.weights import registry
from difface_cli.weights.convert import meta_network
from difface_cli.weights.registry import Source, Weights

WEIGHTS = """
[weights.mine]
part = "prior"
network = "unet"
bytes = 10
sha256 = "{hash}"
params = {{ image_size = 16 }}
sources = [
    {{ path = "sub/mine.safetensors" }},
    {{ hf = "who/net", revision = "{commit}", file = "a/b.bin", repo_type = "space" }},
    {{ url = "https://example.org/c.pth?x=1", sha256 = "" }},
]
""".format(hash="a" * 64, commit="b" * 40)
MODEL = """
[models.mine]
task = "restore"
prior = "mine"
estimator = "starter-estimator"
detector = "starter-detector"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "own.toml"


def test_a_block_is_all_a_new_model_needs(file: Path) -> None:
    file.write_text(WEIGHTS + MODEL)
    known = registry.load(file)
    model = known.model("mine", "restore")
    weights = known.part(model, "prior")
    assert weights is not None
    assert weights.model == "mine"
    path, hub, url = weights.sources
    assert path == Source(
        "path", str(file.parent / "sub/mine.safetensors"), size=10, sha256="a" * 64
    )
    assert (hub.repo_type, hub.revision, hub.file_name) == ("space", "b" * 40, "b.bin")
    assert (hub.size, hub.sha256) == (10, "a" * 64)
    # A source with a hash of its own, even none, is another file: nothing is taken over.
    assert (url.size, url.sha256, url.file_name) == (0, "", "c.pth")
    assert weights.remote == (hub, url)
    assert known.part(model, "parser") is None
    assert "starter" in known.models
    assert not model.auto_n
    file.write_text(WEIGHTS + MODEL + "auto_n = true\n")
    assert registry.load(file).models["mine"].auto_n


def test_a_block_of_the_same_name_replaces_the_built_in_one(file: Path) -> None:
    file.write_text(WEIGHTS.replace("weights.mine", "weights.starter-prior"))
    assert registry.load(file).weights["starter-prior"].sha256 == "a" * 64


def test_weights_without_sources_are_refused(file: Path) -> None:
    file.write_text('[weights.mine]\npart = "prior"\nnetwork = "unet"')
    with pytest.raises(RegistryError, match=r"in \[weights\.mine\], sources is empty"):
        registry.load(file)


def test_steps_are_never_more_than_a_small_n(file: Path) -> None:
    file.write_text(WEIGHTS + MODEL + "n = 50\n")
    assert registry.load(file).models["mine"].steps == 50


def test_the_environment_names_the_users_file(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file.write_text(WEIGHTS)
    monkeypatch.setenv("DIFFACE_MODELS", str(file))
    assert "mine" in registry.load().weights


def test_records_cannot_be_changed() -> None:
    known = registry.load()
    with pytest.raises(dataclasses.FrozenInstanceError):
        known.models["starter"].n = 3  # type: ignore[misc]
    with pytest.raises(TypeError):
        known.models["other"] = known.models["starter"]  # type: ignore[index]


@pytest.mark.parametrize(
    ("old", "new", "table", "key"),
    [
        ('part = "prior"', 'part = "nose"', "weights.mine", "part"),
        ('network = "unet"', "", "weights.mine", "network"),
        ('network = "unet"', "network = 3", "weights.mine", "network"),
        ("bytes = 10", "bytes = -1", "weights.mine", "bytes"),
        ("bytes = 10", "bytes = true", "weights.mine", "bytes"),
        ("a" * 64, "A" * 64, "weights.mine", "sha256"),
        ("b" * 40, "main", "weights.mine.sources[1]", "revision"),
        ('"space"', '"folder"', "weights.mine.sources[1]", "repo_type"),
        ('file = "a/b.bin", ', "", "weights.mine.sources[1]", "hf needs file and revision"),
        ('?x=1"', '", file = "c"', "weights.mine.sources[2]", "file goes with hf alone"),
        ('{ path = "sub/mine.safetensors" }', "3", "weights.mine", "sources[0] is 3"),
        ("bytes = 10", 'bytes = 10\nname = "m"', "weights.mine", "name is no key"),
        ("bytes = 10", 'bytes = 10\nmodel = "m"', "weights.mine", "model is no key"),
        ("https://", "http://", "weights.mine.sources[2]", "url"),
        ('sha256 = "" }', 'layout = "odd" }', "weights.mine.sources[2]", "layout"),
        ("{ path =", '{ url = "https://a.b/c", path =', "weights.mine.sources[0]", "exactly one"),
        ("bytes = 10", "byte = 10", "weights.mine", "byte"),
        ("[weights.mine]", '[weights."../mine"]', "[weights]", "'../mine' and not made of letters"),
        ('prior = "mine"', 'prior = "yours"', "models.mine", "prior"),
        ('prior = "mine"', 'prior = "starter-detector"', "models.mine", "prior"),
        ('prior = "mine"', "", "models.mine", "prior"),
        ('task = "restore"', 'task = "paint"', "models.mine", "task"),
        ('task = "restore"', 'task = "restore"\nn = 1000', "models.mine", "n"),
        ('task = "restore"', 'task = "restore"\nn = 50\nsteps = 60', "models.mine", "steps is 60"),
        ('task = "restore"', 'task = "restore"\nparts = {}', "models.mine", "parts is no key"),
        ('prior = "mine"', "prior = 3", "models.mine", "prior names weights 3"),
        ('task = "restore"', 'task = "restore"\neta = 1.5', "models.mine", "eta"),
        ('task = "restore"', 'task = "restore"\nspeed = 3', "models.mine", "speed"),
        ("[models.mine]", "[model.mine]", "own.toml: ", "model is no key"),
    ],
)
def test_a_mistake_names_file_table_and_key(
    file: Path, old: str, new: str, table: str, key: str
) -> None:
    text = WEIGHTS + MODEL
    assert old in text
    file.write_text(text.replace(old, new, 1))
    with pytest.raises(RegistryError) as caught:
        registry.load(file)
    assert str(file) in caught.value.message
    assert table in caught.value.message
    assert key in caught.value.message


def test_colorizing_needs_a_prior_and_no_estimator(file: Path) -> None:
    block = MODEL.replace('"restore"', '"colorize"').replace(
        'estimator = "starter-estimator"\n', ""
    )
    file.write_text(WEIGHTS + block)
    assert "estimator" not in registry.load(file).model("mine", "colorize").parts
    file.write_text(WEIGHTS + block.replace('prior = "mine"', ""))
    with pytest.raises(RegistryError, match="prior is missing, and the task colorize needs it"):
        registry.load(file)


def test_n_stays_within_the_priors_training(file: Path) -> None:
    file.write_text(WEIGHTS + "max_timestep = 300\n" + MODEL)
    text = file.read_text().replace("max_timestep = 300\n", "", 1)
    file.write_text(text.replace("bytes = 10", "bytes = 10\nmax_timestep = 300"))
    with pytest.raises(RegistryError, match=r"\[models\.mine\], n is above 300"):
        registry.load(file)


def test_an_unknown_model_is_told_the_known_ones() -> None:
    known = registry.load()
    with pytest.raises(RegistryError) as caught:
        known.model("nobody", "restore")
    assert "starter" in caught.value.hint
    with pytest.raises(RegistryError):
        known.model("parsenet", "restore")


OFFICIAL = {
    "difface-prior-512": "iddpm_ffhq512_ema500000.pth",
    "difface-prior-256": "iddpm_ffhq256_ema750000.pth",
    "difface-swinir-512": "swinir_restoration512_L1.pth",
    "difface-lama-256": "lama_inpainting256.pth",
}


@pytest.mark.parametrize("name", OFFICIAL)
def test_the_official_blocks_describe_the_official_files(golden: Path, name: str) -> None:
    weights = registry.load().weights[name]
    tensors = json.loads((golden / "official_checkpoints.json").read_text())[OFFICIAL[name]]
    computed = ("relative_position_index", "attn_mask")
    expected = {k: v for k, v in tensors["tensors"].items() if not k.endswith(computed)}
    state = meta_network(weights).state_dict()
    assert {key: list(tensor.shape) for key, tensor in state.items()} == expected
    assert weights.sources[0].file_name == OFFICIAL[name]


def built_in() -> list[Weights]:
    return list(registry.load().weights.values())


@pytest.mark.parametrize("weights", built_in(), ids=lambda w: w.name)
def test_every_built_in_block_can_be_shown_before_a_download(weights: Weights) -> None:
    assert weights.licence
    assert weights.licence_url.startswith("https://")
    assert weights.sources
    if weights.licence == "S-Lab-1.0":
        assert "non-commercial" in weights.notes


def test_a_file_of_another_package_is_named_after_that_package(tmp_path: Path) -> None:
    hint = '\nsources = [{ installed = "%s", extra = "identity" }]\n'
    for location, fine in (("some_package/models/file.dat", True), ("file.dat", False),
                           ("../etc/passwd", False), ("a/../../b", False)):  # fmt: skip
        file = tmp_path / "models.toml"
        file.write_text('[weights.w]\npart = "metrics"\nnetwork = "dlib"' + hint % location)
        if fine:
            (source,) = registry.load(file).weights["w"].sources
            assert (source.kind, source.remote) == ("installed", False)
        else:
            with pytest.raises(RegistryError, match="installed is no PACKAGE/FILE"):
                registry.load(file)
