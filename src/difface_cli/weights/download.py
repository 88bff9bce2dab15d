"""A file from an address: resumed, bounded, and led to no place that others could tamper with."""

from __future__ import annotations

import hashlib
import http.client
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import IO

from difface_cli import __version__
from difface_cli.base.errors import WeightsMissing
from difface_cli.weights import places
from difface_cli.weights.registry import safe_address

CHUNK = 2**18
MOST = 8 * 2**30  # where no size is published, more than any checkpoint known here
PASSING = {408, 425, 429, 500, 502, 503, 504}

Report = Callable[[str, int, int], None]
"""Called with what is going on, and bytes done of a total (0 where unknown)."""


@dataclass(frozen=True)
class Patience:
    """How long to put up with a bad connection.

    Attributes:
        timeout: seconds of silence before a connection counts as broken.
        tries: connections in a row that bring nothing.
        pause: seconds before the second; each further pause is twice as long.
    """

    timeout: float = 30
    tries: int = 5
    pause: float = 1


class _Interrupted(Exception):
    """A connection that broke; the next one goes on from here."""


class _Guard(urllib.request.HTTPRedirectHandler):
    """Follow redirects to https (or this machine) only."""

    max_redirections = 5

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: Message,
        newurl: str,
    ) -> urllib.request.Request | None:
        if not safe_address(newurl):
            raise _failed(req.full_url, f"it redirects to {newurl[:200]}, which is not https")
        return super().redirect_request(req, fp, code, msg, headers, newurl)  # type: ignore[arg-type]


def download(url: str, size: int, report: Report, patience: Patience | None = None) -> Path:
    """Fetch a file into the downloads folder, going on where an earlier try ended.

    Args:
        size: of the file, bytes; never is more written. 0 where it is unknown: the server's word
            is taken then, up to `MOST`.

    Returns:
        The file, complete by size and its hash not checked; the caller removes it.

    Raises:
        WeightsMissing: when the address does not bring it.
        OutputError: when it cannot be written.
    """
    patience = patience or Patience()
    if not safe_address(url):
        raise _failed(url, "the address is not https")
    part = partial(url)
    with places.writing(part):
        part.parent.mkdir(parents=True, exist_ok=True)
    tries, reason = 0, ""
    while tries < patience.tries:
        if tries:
            time.sleep(patience.pause * 2 ** (tries - 1))
        before = _length(part)
        try:
            _attempt(url, part, size, report, patience.timeout)
            return part
        except _Interrupted as e:
            reason = str(e)
        tries = 1 if _length(part) > before else tries + 1
    raise _failed(url, f"{reason}, {patience.tries} times", "Run the same command again to go on.")


def partial(url: str) -> Path:
    """Where the bytes of an address gather."""
    return places.home() / "downloads" / f"{hashlib.sha256(url.encode()).hexdigest()[:16]}.part"


def discard(part: Path) -> None:
    """Forget what was downloaded."""
    part.unlink(missing_ok=True)
    _tag(part).unlink(missing_ok=True)


def _attempt(url: str, part: Path, size: int, report: Report, timeout: float) -> None:
    start = _length(part)
    if size and start == size:
        return
    if size and start > size:
        discard(part)
        start = 0
    request = urllib.request.Request(
        url, headers={"User-Agent": f"difface-cli/{__version__}", "Accept-Encoding": "identity"}
    )
    if start:
        request.add_header("Range", f"bytes={start}-")
        if tag := _read_tag(part):
            request.add_header("If-Range", tag)
    try:
        with urllib.request.build_opener(_Guard).open(request, timeout=timeout) as response:
            _receive(response, url, part, start, size, report)
    except urllib.error.HTTPError as e:
        e.close()
        if e.code == 416:  # the file is shorter than what is here: start anew
            discard(part)
            raise _Interrupted("the server has fewer bytes than were fetched before") from None
        if e.code in PASSING:
            raise _Interrupted(f"the server answers {e.code} {e.reason}") from None
        raise _failed(url, f"the server answers {e.code} {e.reason}") from None
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError, ConnectionError) as e:
        why = getattr(e, "reason", e)
        raise _Interrupted(f"the connection fails ({why or type(e).__name__})") from None


def _receive(
    response: http.client.HTTPResponse, url: str, part: Path, start: int, size: int, report: Report
) -> None:
    """Append the answer to the part, or begin anew where the server sends the whole."""
    span = re.fullmatch(r"bytes (\d+)-\d+/(\d+|\*)", response.headers.get("Content-Range", ""))
    if response.status != 206:
        start, told = 0, response.headers.get("Content-Length", "")
    elif span and int(span[1]) == start:
        told = span[2]
    else:
        discard(part)
        raise _Interrupted("the server sends another part than the one asked for")
    total = int(told) if told.isdigit() else 0
    if size and total and total != size:
        discard(part)
        raise _failed(url, f"it has {total:,} bytes and should have {size:,}")
    limit = size or total or MOST
    if limit > MOST:
        raise _failed(url, f"it claims {limit:,} bytes, more than any file of weights")
    with places.writing(part):
        _tag(part).write_text(response.headers.get("ETag", ""), encoding="utf-8")
        handle = part.open("r+b" if start else "wb")
    with handle:
        handle.seek(start)
        handle.truncate()
        _copy(response, handle, part, url, limit, report)
    done = _length(part)
    if done < (size or total):
        raise _Interrupted(f"the connection ends after {done:,} bytes of {size or total:,}")


def _copy(
    response: http.client.HTTPResponse,
    handle: IO[bytes],
    part: Path,
    url: str,
    limit: int,
    report: Report,
) -> None:
    name = url.rpartition("/")[2]
    done = handle.tell()
    while chunk := response.read1(CHUNK):
        done += len(chunk)
        if done > limit:
            discard(part)
            raise _failed(url, f"it sends more than the {limit:,} bytes it should have")
        with places.writing(part):
            handle.write(chunk)
            handle.flush()
        report(name, done, 0 if limit == MOST else limit)


def _tag(part: Path) -> Path:
    return part.with_suffix(".etag")


def _read_tag(part: Path) -> str:
    """The strong ETag of the bytes that are here: others must not be joined to them."""
    try:
        tag = _tag(part).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError):
        return ""
    return tag if tag.startswith('"') and tag.isprintable() else ""


def _length(part: Path) -> int:
    return os.path.getsize(part) if part.exists() else 0


def _failed(url: str, reason: str, hint: str = "") -> WeightsMissing:
    return WeightsMissing(
        f"{url} cannot be fetched: {reason}.",
        hint or "Try again later, or fetch the file by other means and use --from DIR.",
    )
