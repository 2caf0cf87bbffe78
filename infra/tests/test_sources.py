"""What is made of the source: a bill of materials, and the file of a new migration."""

import tempfile
import unittest
from pathlib import Path

from wardgate_infra import Json, sbom
from wardgate_infra.operate import migrate_new


def crate(name: str) -> Json:
    return {"name": name, "version": "1.0", "bom-ref": f"path/{name}", "purl": f"pkg:cargo/{name}@1.0?file=x"}


class Bill(unittest.TestCase):
    def test_only_what_is_linked_is_on_it_under_its_purl(self) -> None:
        bom = {
            "metadata": {"component": crate("me") | {"components": [{}]}},
            "components": [crate("serde"), crate("test-only")],
            "dependencies": [{"ref": "path/me", "dependsOn": ["path/test-only", "path/serde", "path/unknown"]}],
        }
        components, dependencies = sbom.merged([bom, bom], {("me", "1.0"), ("serde", "1.0")})
        self.assertEqual([it["bom-ref"] for it in components], ["pkg:cargo/me@1.0", "pkg:cargo/serde@1.0"])
        self.assertNotIn("components", components[0])
        self.assertEqual(dependencies[0], {"ref": "pkg:cargo/me@1.0", "dependsOn": ["pkg:cargo/serde@1.0"]})


class NewMigration(unittest.TestCase):
    LIST = """\
mod m0000_template;
mod m0001_first;

pub const MIGRATIONS: &[&dyn Migration] = &[
    &m0001_first::First,
];
"""

    def setUp(self) -> None:
        self.folder = Path(self.enterContext(tempfile.TemporaryDirectory()))
        (self.folder / "mod.rs").write_text(self.LIST, encoding="utf-8")
        source = 'struct Template; // m0000_template "0000" "template" "00000000000000"\n'
        (self.folder / "m0000_template.rs").write_text(source, encoding="utf-8")

    def test_it_has_the_next_number_and_stands_last_in_the_list(self) -> None:
        module = migrate_new.write(self.folder, "drop-old-names", "20260131120000")
        self.assertEqual(module, "m0002_drop_old_names")
        written = (self.folder / f"{module}.rs").read_text(encoding="utf-8")
        self.assertEqual(
            written, 'struct DropOldNames; // m0002_drop_old_names "0002" "drop-old-names" "20260131120000"\n'
        )
        listing = (self.folder / "mod.rs").read_text(encoding="utf-8")
        self.assertIn("mod m0001_first;\nmod m0002_drop_old_names;\n", listing)
        self.assertTrue(listing.endswith("    &m0001_first::First,\n    &m0002_drop_old_names::DropOldNames,\n];\n"))

    def test_a_name_that_is_taken_is_refused_and_nothing_written(self) -> None:
        with self.assertRaisesRegex(SystemExit, "there is a migration of the name first already"):
            migrate_new.write(self.folder, "first", "20260131120000")
        self.assertEqual((self.folder / "mod.rs").read_text(encoding="utf-8"), self.LIST)
