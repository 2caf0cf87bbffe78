"""What `make endpoint` writes."""

import json
import re
import tempfile
import unittest
from pathlib import Path

from wardgate_infra import ROOT, Failed, endpoint

LISTING = """\
//! Accounts.

pub mod me;
pub mod register;

wardgate::area!["accounts":
    me,
    register,
];
"""
ROUTES = """\
//! The area's.

use crate::permissions::Drive;

mod me;
mod register;

pub const DRIVES: &[Drive] = &[];
"""
EVENT = {"routeKey": "GET /health", "rawPath": "/health", "requestContext": {"http": {"method": "GET"}}}


class Endpoint(unittest.TestCase):
    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = Path(folder.name)
        for file, text in (
            ("functions/accounts/src/lib.rs", LISTING),
            ("functions/accounts/src/bin/me.rs", ""),
            ("functions/mailer/src/lib.rs", "//! No area.\n"),
            ("shared/src/use_cases/accounts/mod.rs", "//! Accounts.\n\npub mod me;\npub mod register;\n"),
            ("tests/routes/accounts/mod.rs", ROUTES),
            ("events/health/ok.json", json.dumps(EVENT)),
            ("events/health/broken-body.json", json.dumps({**EVENT, "body": "%", "isBase64Encoded": True})),
        ):
            (self.root / file).parent.mkdir(parents=True, exist_ok=True)
            (self.root / file).write_text(text, encoding="utf-8")

    def read(self, file: str) -> str:
        return (self.root / file).read_text(encoding="utf-8")

    def test_it_is_in_every_layer_by_one_name(self) -> None:
        written = endpoint.write(self.root, "accounts", "me-avatar", "get", "/v1/me/avatar")
        self.assertEqual(
            written,
            [
                "shared/src/use_cases/accounts/me_avatar.rs",
                "functions/accounts/src/me_avatar.rs",
                "functions/accounts/src/bin/me-avatar.rs",
                "tests/routes/accounts/me_avatar.rs",
                "events/me-avatar/ok.json",
                "events/me-avatar/broken-body.json",
            ],
        )
        self.assertIn("pub async fn me_avatar(app: &App", self.read(written[0]))
        self.assertIn('routes: &[Route::get("/v1/me/avatar")],', self.read(written[1]))
        # Each member that an endpoint has, or it would not compile.
        source = (ROOT / "shared/src/http/endpoint.rs").read_text(encoding="utf-8")
        members = re.findall(r"^    pub (\w+):", source.split("pub struct Endpoint {")[1].split("\n}")[0], re.MULTILINE)
        self.assertGreater(len(members), 5)
        for member in members:
            self.assertRegex(self.read(written[1]), rf"(?m)^    {member}: ")
        self.assertIn("serve(&accounts::me_avatar::ENDPOINT)", self.read(written[2]))
        self.assertIn("pub async fn drive(", self.read(written[3]))
        self.assertEqual(json.loads(self.read(written[4]))["routeKey"], "GET /v1/me/avatar")

    def test_each_list_has_it_in_order_and_nothing_else_changes(self) -> None:
        endpoint.write(self.root, "accounts", "me-avatar", "get", "/v1/me/avatar")
        listing = LISTING.replace("pub mod me;\n", "pub mod me;\npub mod me_avatar;\n")
        self.assertEqual(
            self.read("functions/accounts/src/lib.rs"), listing.replace("    me,\n", "    me,\n    me_avatar,\n")
        )
        self.assertEqual(
            self.read("shared/src/use_cases/accounts/mod.rs"),
            "//! Accounts.\n\npub mod me;\npub mod me_avatar;\npub mod register;\n",
        )
        routes = ROUTES.replace("mod me;\n", "mod me;\nmod me_avatar;\n")
        routes = routes.replace("&[];", "&[|it| Box::pin(me_avatar::drive(it))];")
        self.assertEqual(self.read("tests/routes/accounts/mod.rs"), routes)

    def test_what_is_wrong_is_said_at_once_and_nothing_is_written(self) -> None:
        with self.assertRaises(Failed) as refused:
            endpoint.write(self.root, "mailer", "Me", "put", "me")
        for part in ("AREA is one of accounts, not 'mailer'", "NAME is", "METHOD is", "PATH begins"):
            self.assertIn(part, str(refused.exception))
        # An area whose endpoints use what others have.
        pages = self.root / "functions/pages/src/lib.rs"
        pages.parent.mkdir(parents=True)
        pages.write_text(LISTING, encoding="utf-8")
        with self.assertRaisesRegex(Failed, "AREA is one of accounts, not 'pages'"):
            endpoint.write(self.root, "pages", "page-me", "get", "/ui/me")
        with self.assertRaisesRegex(Failed, "a function me already"):
            endpoint.write(self.root, "accounts", "me", "get", "/v1/me")
        self.assertFalse((self.root / "events/me").exists())
