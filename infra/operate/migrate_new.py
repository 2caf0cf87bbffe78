"""Writes the file of a new migration, which compiles and changes nothing yet: make migrate-new NAME=drop-old-names

It needs no stage, and so is none of the verbs of __main__.py.
"""

import datetime
import re
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parents[2] / "shared/src/migrations"
SOURCE = '''//! What it changes, and why the data needs it.
//!
//! Expand or contract: whether code that does not know it can read what it leaves, and what taking it back restores.

use crate::migrations::{{Course, Definition, Judging, Migration, Verdict}};
use crate::store::edits::{{Edit, Item}};
use crate::store::migrations::Selection;

const DEFINITION: Definition = Definition {{
    number: "{number}",
    name: "{name}",
    timestamp: "{timestamp}",
    contract: false,
    repeats: false,
    source: include_str!("{module}.rs"),
}};

/// See above.
pub(super) struct {type};

impl Migration for {type} {{
    fn definition(&self) -> &'static Definition {{
        &DEFINITION
    }}

    /// Which items are handed to `up` and `down`, by the beginnings of their keys.
    fn selection(&self) -> Selection {{
        Selection {{ partition: "USER#", sorts: &["PROFILE"] }}
    }}

    /// An item that already is as it should be stays: each may be judged many times.
    fn up<'a>(&'a self, _course: &'a Course<'a>, item: &'a Item) -> Judging<'a, Verdict> {{
        Box::pin(async move {{
            if !item.contains_key("an_attribute_that_is_to_go") {{
                return Ok(Verdict::stays("without it"));
            }}
            // Each attribute that the verdict comes from is `given`: whoever changes it meanwhile is not overwritten.
            let edit = Edit::of(item)
                .map(|edit| edit.remove("an_attribute_that_is_to_go").given(item, "an_attribute_that_is_to_go"));
            Ok(Verdict::changes(edit, "without it"))
        }})
    }}

    /// Restores what `up` found, to the byte. What it takes away has to be kept somewhere to be put back.
    fn down<'a>(&'a self, _course: &'a Course<'a>, _item: &'a Item) -> Judging<'a, Verdict> {{
        Box::pin(async move {{ Ok(Verdict::stays("as it was")) }})
    }}
}}
'''


def main():
    name = sys.argv[1] if len(sys.argv) == 2 else ""
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
        "then `make migrations`, which writes infra/migrations.json",
    ):
        print(f"  - {line}")


def write(folder, name, timestamp):
    """Writes the file and puts it into the list; gives the module's name."""
    listing = folder / "mod.rs"
    text = listing.read_text(encoding="utf-8")
    modules = re.findall(r"^mod (m[0-9]{4}_\w+);$", text, re.MULTILINE)
    if any(module[6:] == name.replace("-", "_") for module in modules):
        sys.exit(f"wardgate: there is a migration of the name {name} already.")
    number = f"{len(modules) + 1:04}"
    module = f"m{number}_{name.replace('-', '_')}"
    type_name = "".join(word.capitalize() for word in name.split("-"))
    source = SOURCE.format(number=number, name=name, timestamp=timestamp, module=module, type=type_name)
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
