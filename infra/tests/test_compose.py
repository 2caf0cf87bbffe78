"""compose.yaml and the pins of images: by the specification's schema, and by rules that it does not know."""

import copy
import json
import re
import tempfile
import unittest
from pathlib import Path

import jsonschema
import yaml

from wardgate_infra import ROOT, Failed, Json
from wardgate_infra.compose import trial
from wardgate_infra.image import build, pins
from wardgate_infra.kubernetes import facts

SCHEMA = json.loads((ROOT / "infra/compose/schema/compose-spec.json").read_text(encoding="utf-8"))
TEXT = (ROOT / "compose.yaml").read_text(encoding="utf-8")


def refused(document: Json) -> list[str]:
    """What the schema says. It is older than the name of a project."""
    said = {key: it for key, it in document.items() if key != "name"}
    return [it.message for it in jsonschema.Draft201909Validator(SCHEMA).iter_errors(said)]


class Compose(unittest.TestCase):
    def test_sa_16_it_is_by_the_specification(self) -> None:
        document = yaml.safe_load(TEXT)
        self.assertEqual(refused(document), [])
        for service, misspelt in (("store", "comand"), ("server-1", "read-only"), ("balancer", "port")):
            wrong = copy.deepcopy(document)
            wrong["services"][service][misspelt] = True
            self.assertIn(misspelt, "\n".join(refused(wrong)))

    def test_sa_16_what_is_asked_again_is_there_whole(self) -> None:
        """Of a request whose body comes behind its head haproxy can repeat nothing, and answers 502."""
        text = (ROOT / "infra/compose/haproxy.cfg").read_text(encoding="utf-8")
        said = [line.strip() for line in text.splitlines()]
        self.assertIn("retry-on conn-failure empty-response", said)
        self.assertIn("option http-buffer-request", said)

    def test_sa_16_only_loopback_reaches_it(self) -> None:
        for name, it in trial.services().items():
            for port in it.get("ports", []):
                self.assertRegex(port, r"^127\.0\.0\.1:\d+:\d+$", name)
            self.assertNotIn("network_mode", it, name)

    def test_sa_16_the_servers_may_do_nothing_and_are_waited_for(self) -> None:
        for name in ("store", "server-1", "server-2"):
            it = trial.services()[name]
            self.assertEqual((it["read_only"], it["cap_drop"]), (True, ["ALL"]), name)
            self.assertIn("no-new-privileges:true", it["security_opt"], name)
        server = trial.services()["server-1"]
        self.assertEqual(server["depends_on"], {"store": {"condition": "service_healthy"}})
        self.assertGreaterEqual(int(server["stop_grace_period"].removesuffix("s")), facts.STOPS)
        self.assertEqual({key for key in server["environment"] if key.startswith("AUTH__")} - facts.KNOWN, set())

    def test_sa_16_what_is_mounted_is_there(self) -> None:
        for name, it in trial.services().items():
            for mounted in it.get("volumes", []):
                source = mounted.partition(":")[0]
                if source.startswith("./") and not source.startswith("./.wardgate/"):
                    self.assertTrue((ROOT / source).exists(), f"{name}: {source}")

    def test_sa_16_services_that_wait_for_each_other_are_found(self) -> None:
        self.assertEqual(trial.order({"b": {"depends_on": ["a"]}, "a": {}}), ["a", "b"])
        with self.assertRaisesRegex(Failed, "depend on each other"):
            trial.order({"a": {"depends_on": ["b"]}, "b": {"depends_on": ["a"]}})


class Pins(unittest.TestCase):
    def test_sa_14_every_image_of_others_is_a_pin(self) -> None:
        known = {it.reference for it in pins.read().values()}
        used = set(re.findall(r"image: (\S+)", TEXT))
        for file in (ROOT / "Dockerfile", ROOT / "infra/compose/store.Dockerfile"):
            used |= set(re.findall(r"^ARG RUST=(\S+)", file.read_text(encoding="utf-8"), re.MULTILINE))
        self.assertEqual(used, known)

    def test_sa_14_a_pin_without_tag_digest_or_reason_is_refused(self) -> None:
        digest = "sha256:" + "0" * 64
        for said, wrong in (
            (f'[a]\nimage = "a"\ndigest = "{digest}"\npulled = true', "no tag"),
            (f'[a]\nimage = "a:latest"\ndigest = "{digest}"\npulled = true', "no tag"),
            ('[a]\nimage = "a:1"\ndigest = "sha256:1"\npulled = true', "no digest"),
            (f'[a]\nimage = "a:1"\ndigest = "{digest}"\npulled = false', "no reason"),
            ('[a]\nimage = "a:1"\npulled = true', "no reason"),
        ):
            with self.subTest(wrong), tempfile.TemporaryDirectory() as name:
                file = Path(name) / "pins.toml"
                file.write_text(said, encoding="utf-8")
                with self.assertRaisesRegex(Failed, wrong):
                    pins.read(file)

    def test_sa_14_the_base_has_the_toolchain_of_the_checkout(self) -> None:
        [channel] = re.findall(r'channel = "([\d.]+)"', (ROOT / "rust-toolchain.toml").read_text(encoding="utf-8"))
        self.assertEqual(pins.read()["rust"].image, f"rust:{channel}-slim-bookworm")
        self.assertIn(f"RUSTUP_TOOLCHAIN={channel}", (ROOT / "Dockerfile").read_text(encoding="utf-8"))

    def test_sa_14_both_builders_get_the_base_and_the_time_of_the_commit(self) -> None:
        for builder in ("docker", "buildah"):
            words = build.command(builder, "wardgate-server:test")
            self.assertIn(f"--build-arg=RUST={pins.read()['rust'].reference}", words)
            self.assertIn("--target=server", words)
            self.assertTrue(any(re.search(r"(SOURCE_DATE_EPOCH|--timestamp)=\d+", it) for it in words), builder)
