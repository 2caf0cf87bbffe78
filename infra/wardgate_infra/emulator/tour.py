"""The tour of the documentation, as lines to paste."""

import re

from wardgate_infra import ROOT, Failed

PAGE = "docs/start/tour.md"


def tour(url: str) -> str:
    """The lines, for the service at an address."""
    block = re.search(r"^```sh$\n(.*?)^```$", (ROOT / PAGE).read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
    if block is None:
        raise Failed(f"{PAGE} has no lines to paste.")
    return block[1].replace("http://localhost:8080", url)
