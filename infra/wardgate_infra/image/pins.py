"""infra/image/pins.toml: which images of others are used, by digest."""

import re
import tomllib
from dataclasses import dataclass
from pathlib import Path

from wardgate_infra import ROOT, Failed

FILE = ROOT / "infra/image/pins.toml"
DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class Pin:
    """An image by name and tag, and by digest, if one is known."""

    image: str
    digest: str | None
    pulled: bool
    reason: str | None

    @property
    def reference(self) -> str:
        """As a Dockerfile or a compose file names it."""
        return f"{self.image}@{self.digest}" if self.digest else self.image


def read(file: Path = FILE) -> dict[str, Pin]:
    """Every pin. One that nobody has pulled has to say why."""
    pins = {}
    for name, said in tomllib.loads(file.read_text(encoding="utf-8")).items():
        pin = Pin(said["image"], said.get("digest"), said["pulled"], said.get("reason"))
        if ":" not in pin.image or pin.image.endswith(":latest"):
            raise Failed(f"{file.name}: {name} has no tag that stays")
        if pin.digest and not DIGEST.fullmatch(pin.digest):
            raise Failed(f"{file.name}: {name} has no digest but {pin.digest!r}")
        if not pin.reason and not (pin.pulled and pin.digest):
            raise Failed(f"{file.name}: nobody has pulled {name}, and no reason says why")
        pins[name] = pin
    return pins
