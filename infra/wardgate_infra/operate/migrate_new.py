"""Writes the file of a new migration, which compiles and changes nothing yet: make migrate-new NAME=drop-old-names

It needs no stage, and so is none of the verbs of __main__.py.
"""

import datetime
import re
import sys
from pathlib import Path

from wardgate_infra import ROOT

FOLDER = ROOT / "shared/src/migrations"
# What a new one begins as. It is compiled with the tests, so that it always compiles.
TEMPLATE = "m0000_template"


def main() -> None:
    name = " ".join(sys.argv[1:])
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        sys.exit(f"wardgate: NAME is lower-case words with hyphens, not {name!r}: make migrate-new NAME=drop-old-names")
    now = datetime.datetime.now(datetime.UTC)
    module = write(FOLDER, name, f"{now:%Y%m%d%H%M%S}")
    print(f"shared/src/migrations/{module}.rs is there and changes nothing yet. Fill in:")
    for line in (
        "its first lines: what, why, and expand or contract (then `contract: true`)",
        "`selection`: which items",
        "`up` and `down`: what becomes of one item; docs/operations/migrations.md has the rules",
        "tests/migrations/: a table before, after, and back",
        "infra/migrate.yaml: what its role may change; tests/permissions/ says what is missing",
        "then `make generate`, which writes infra/migrations.json",
    ):
        print(f"  - {line}")


def write(folder: Path, name: str, timestamp: str) -> str:
    """Writes the file and puts it into the list; gives the module's name."""
    listing = folder / "mod.rs"
    text = listing.read_text(encoding="utf-8")
    modules = [it for it in re.findall(r"^mod (m[0-9]{4}_\w+);$", text, re.MULTILINE) if it != TEMPLATE]
    if any(module[6:] == name.replace("-", "_") for module in modules):
        sys.exit(f"wardgate: there is a migration of the name {name} already.")
    number = f"{len(modules) + 1:04}"
    module = f"m{number}_{name.replace('-', '_')}"
    type_name = "".join(word.capitalize() for word in name.split("-"))
    source = (folder / f"{TEMPLATE}.rs").read_text(encoding="utf-8")
    for placeholder, value in (
        (TEMPLATE, module),
        ('"0000"', f'"{number}"'),
        ('"template"', f'"{name}"'),
        ('"00000000000000"', f'"{timestamp}"'),
        ("Template", type_name),
    ):
        source = source.replace(placeholder, value)
    text = text.replace(f"mod {modules[-1]};\n", f"mod {modules[-1]};\nmod {module};\n")
    text, count = re.subn(
        r"(?s)(pub const MIGRATIONS: [^=]+ = &\[.*?)(\n\];)", rf"\1\n    &{module}::{type_name},\2", text, count=1
    )
    if count != 1:
        sys.exit("wardgate: shared/src/migrations/mod.rs has no list MIGRATIONS that a line could be added to.")
    (folder / f"{module}.rs").write_text(source, encoding="utf-8")
    listing.write_text(text, encoding="utf-8")
    return module


if __name__ == "__main__":
    main()
