"""A headless Chromium that opens a page, for tests of pages, and what the page asked for."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome", "chrome"))),
    None,
)

needs_chromium = pytest.mark.skipif(
    CHROMIUM is None, reason="no Chromium on the PATH (Debian: apt-get install chromium)"
)

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    # Nothing leaves this machine: the proxy for all addresses is a port that nobody answers.
    "--proxy-server=http://127.0.0.1:9",
    "--proxy-bypass-list=<-loopback>",
]


def open_page(page: Path, folder: Path, width: int = 1200) -> tuple[str, list[str]]:
    """Return a page as the browser has it after loading, and the addresses that it asked for.

    They are in the browser's own log of its network, beside those that the browser asks for on its
    own account, such as its updates: those have no page as their origin.
    """
    assert CHROMIUM is not None
    log = folder / "network.json"
    command = [CHROMIUM, *FLAGS, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"]
    command += [f"--window-size={width},900", "--dump-dom", page.as_uri()]
    run = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    written = json.loads(log.read_text(encoding="utf-8"))
    start = written["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    asked = [
        event["params"]
        for event in written["events"]
        if event["type"] == start and "url" in event.get("params", {})
    ]
    return run.stdout, [given["url"] for given in asked if given["initiator"] != "not an origin"]
