"""Direct addresses: resumed, bounded, patient, and never led astray."""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path

import pytest

from difface_cli.base.errors import OutputError, WeightsMissing
from difface_cli.weights import download
from difface_cli.weights.download import Patience
from difface_cli.weights.registry import safe_address
from tests.weights.hub import Fault, Hub

CONTENT = random.Random(0).randbytes(700_000)
QUICK = Patience(timeout=60, tries=3, pause=0.01)


def get(hub: Hub, size: int = len(CONTENT), patience: Patience = QUICK) -> Path:
    return download.download(f"{hub.url}/f.pth", size, lambda *_: None, patience)


@pytest.fixture
def served(hub: Hub) -> Hub:
    hub.files["/f.pth"] = CONTENT
    return hub


def ranges(hub: Hub) -> list[str]:
    return [headers.get("range", "") for _, _, headers in hub.asked]


@pytest.mark.parametrize("size", [len(CONTENT), 0])
def test_a_file_arrives(served: Hub, size: int) -> None:
    seen = []
    path = download.download(f"{served.url}/f.pth", size, lambda *told: seen.append(told), QUICK)
    assert path.read_bytes() == CONTENT
    assert seen[-1] == ("f.pth", len(CONTENT), len(CONTENT))
    assert served.asked[0][2].get("authorization") is None


def test_broken_connections_are_resumed(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(cut=300_000), Fault(cut=200_000), Fault(status=503)]
    assert get(served).read_bytes() == CONTENT
    assert ranges(served) == ["", "bytes=300000-", "bytes=500000-", "bytes=500000-"]


def test_a_stalled_connection_times_out_and_another_brings_the_rest(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(cut=1000, stall=True)]
    hasty = Patience(timeout=0.3, tries=100, pause=0)
    assert get(served, patience=hasty).read_bytes() == CONTENT
    assert len(served.asked) > 1


def test_another_run_goes_on_where_one_ended(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(cut=300_000)] + [Fault(status=503)] * 9
    with pytest.raises(WeightsMissing, match="503"):
        get(served)
    served.faults.clear()
    assert get(served).read_bytes() == CONTENT
    assert ranges(served)[-1] == "bytes=300000-"


def test_a_file_that_changed_meanwhile_is_fetched_whole(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(cut=300_000)] + [Fault(status=503)] * 9
    with pytest.raises(WeightsMissing):
        get(served)
    served.faults.clear()
    served.files["/f.pth"] = CONTENT[::-1]
    assert get(served).read_bytes() == CONTENT[::-1]


@pytest.mark.parametrize("status", [401, 403, 404, 410])
def test_a_refusal_is_final(served: Hub, status: int) -> None:
    served.faults["/f.pth"] = [Fault(status=status)]
    with pytest.raises(WeightsMissing, match=f"answers {status}"):
        get(served)
    assert len(served.asked) == 1


def test_patience_ends(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(status=503)] * 9
    with pytest.raises(WeightsMissing, match=r"503 .* 3 times"):
        get(served)
    assert len(served.asked) == 3


def test_nobody_answers(home: Path) -> None:
    with pytest.raises(WeightsMissing, match="connection fails"):
        download.download("http://127.0.0.1:9/f.pth", 0, lambda *_: None, QUICK)


@pytest.mark.parametrize("size", [len(CONTENT), 0])
def test_never_more_than_the_expected_size(
    served: Hub, size: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(download, "MOST", len(CONTENT) + 1000)
    served.faults["/f.pth"] = [Fault(extra=5_000_000)]
    with pytest.raises(WeightsMissing, match="sends more than"):
        get(served, size)
    assert not download.partial(f"{served.url}/f.pth").exists()


def test_a_wrong_size_is_seen_before_the_body(served: Hub) -> None:
    with pytest.raises(WeightsMissing, match="700,000 bytes and should have 699,999"):
        get(served, len(CONTENT) - 1)


@pytest.mark.parametrize("size", [len(CONTENT), 0])
def test_what_is_too_long_already_is_thrown_away(served: Hub, size: int) -> None:
    part = download.partial(f"{served.url}/f.pth")
    part.parent.mkdir(parents=True)
    part.write_bytes(CONTENT + b"more")
    assert get(served, size).read_bytes() == CONTENT


def test_redirects_within_this_machine_are_followed(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(location="/g.pth")]
    served.files["/g.pth"] = CONTENT
    assert get(served).read_bytes() == CONTENT


@pytest.mark.parametrize(
    "target", ["http://203.0.113.1/f.pth", "ftp://203.0.113.1/f", "file:///etc/passwd"]
)
def test_redirects_elsewhere_are_refused(served: Hub, target: str) -> None:
    served.faults["/f.pth"] = [Fault(location=target)]
    with pytest.raises(WeightsMissing, match=r"not https|is not allowed"):
        get(served)


def test_redirects_in_a_circle_end(served: Hub) -> None:
    served.faults["/f.pth"] = [Fault(location="/f.pth")] * 50
    with pytest.raises(WeightsMissing):
        get(served)
    assert len(served.asked) < 20


@pytest.mark.parametrize(
    ("url", "safe"),
    [
        ("https://example.org/f", True),
        ("http://example.org/f", False),
        ("http://localhost:80/f", True),
        ("http://127.0.0.1/f", True),
        ("http://[::1]/f", True),
        ("http://localhost.example.org/f", False),
        ("file:///f", False),
        ("https://", False),
        ("http://[", False),
    ],
)
def test_which_addresses_are_safe(url: str, safe: bool) -> None:
    assert safe_address(url) is safe


def test_a_full_disk_and_the_run_after_it(served: Hub, small_disk: Callable[[int], None]) -> None:
    small_disk(100_000)
    with pytest.raises(OutputError, match="cannot be written"):
        get(served)
    small_disk(-1)
    assert get(served).read_bytes() == CONTENT
