"""What the operator's commands print and ask."""

import sys
import time
from collections.abc import Callable, Sequence

from wardgate_infra import Failed


def say(text: str) -> None:
    """A line of progress."""
    print(text, flush=True)


def confirm(question: str, yes: bool) -> None:
    """Asks before something that cannot simply be undone; `yes` is the answer of a pipeline (YES=1)."""
    if yes:
        return
    if not sys.stdin.isatty():
        raise Failed(f"{question} Nobody is there to ask: say YES=1.")
    if input(f"{question} [y/N] ").strip().lower() not in ("y", "yes"):
        raise Failed("Stopped; nothing was changed.")


def table(rows: Sequence[Sequence[object]], head: Sequence[str] | None = None) -> None:
    """Prints rows in columns."""
    lines = [[str(cell) for cell in row] for row in ([head, *rows] if head else rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for row in lines:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


def step(number: int, many: int, name: str, do: Callable[[], str | None]) -> None:
    """Does one of several steps, and says when it begins, what it did and how long it took."""
    began = time.monotonic()
    say(f"==> {number} of {many}: {name}")
    remark = do()
    say(f"<== {name}: {remark or 'done'} ({time.monotonic() - began:.1f} s)")
