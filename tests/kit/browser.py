"""Pages as a browser shows them: what stands where, on a screen of some width, once the scripts have run."""

from __future__ import annotations

import html
import json
import re
import shutil
from pathlib import Path
from typing import Any

from kit.processes import lacks, run_command

PHONE = 390
"""Pixels that a phone is wide."""
FRAME = """<!doctype html><meta charset="utf-8"><body style="margin:0">
<iframe id="page" src="{address}" style="border:0;width:{width}px;height:844px"></iframe><pre id="told"></pre>
<script>
const frame = document.getElementById("page");
frame.onload = () => setTimeout(async () => {{
  const ask = {ask};
  document.getElementById("told").textContent = JSON.stringify(await ask(frame.contentDocument, frame.contentWindow));
}}, 4000);
</script>"""


def chromium() -> str:
    """Return the browser's path; the test is skipped where there is none, and fails for that where CI is set."""
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if found is None:
        lacks("no Chromium to open a page in: apt-get install chromium")
    return found


def asked(page: Path, ask: str, folder: Path, width: int = PHONE) -> Any:
    """Return what a JavaScript function of (document, window) says of a page on a screen of some width, as plain data.

    ask: the function, which may be async
    folder: an empty one, where the browser may write
    """
    # A window is never narrower than 500 pixels, and a frame is as narrow as it is said to be.
    frame = folder / "frame.html"
    frame.write_text(FRAME.format(address=page.as_uri(), width=width, ask=ask), "utf-8")
    options = [
        "--headless",
        "--no-sandbox",
        "--disable-gpu",
        "--allow-file-access-from-files",
        f"--user-data-dir={folder}",
    ]
    command = [chromium(), *options, "--virtual-time-budget=12000", "--dump-dom", frame.as_uri()]
    done = run_command(command, timeout=120, check=True)
    (told,) = re.findall(r'<pre id="told">(.*?)</pre>', done.stdout, re.DOTALL)
    return json.loads(html.unescape(told))
