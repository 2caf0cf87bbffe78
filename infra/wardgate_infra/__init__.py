"""What deploys, operates and checks Wardgate: the operator's verbs, an emulator of AWS, and the checks of templates."""

import os
from pathlib import Path
from typing import Any, TypeAlias

ROOT = Path(__file__).resolve().parents[2]
TARGET = ROOT / os.environ.get("CARGO_TARGET_DIR", "target")

# A value out of JSON or YAML, or of an answer of AWS's: its shape is for where it comes from to say.
Json: TypeAlias = Any
# What boto3 makes at run time, out of AWS's own descriptions.
Client: TypeAlias = Any


class Failed(Exception):
    """What stops a command: what went wrong and what to do next, for whoever typed it."""


def program(name: str, *features: str) -> list[str]:
    """How a program of this checkout is run: built when it is called, or taken from WARDGATE_PROGRAMS, a folder of what
    a build has just made."""
    if folder := os.environ.get("WARDGATE_PROGRAMS"):
        return [str(ROOT / folder / name)]
    return ["cargo", "run", "--quiet", "--package", name, *features, "--"]


def functions(root: Path = ROOT) -> list[str]:
    """The name of every function: each is a binary of a package under functions/."""
    return sorted(it.stem for it in (root / "functions").glob("*/src/bin/*.rs"))


def without_route(root: Path = ROOT) -> list[str]:
    """Those that no route of the API leads to: each has a package of its own name."""
    return [name for name in functions(root) if (root / f"functions/{name}").is_dir()]
