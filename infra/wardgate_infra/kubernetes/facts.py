"""What manifests have to agree with: the configuration's names and defaults, and the image."""

import re
import tomllib

from wardgate_infra import ROOT, Json

CONFIGURATION: Json = tomllib.loads((ROOT / "config/default.toml").read_text(encoding="utf-8"))
KNOWN = set(re.findall(r"\bAUTH__\w+", (ROOT / ".env.example").read_text(encoding="utf-8"))) | {"AUTH__STAGE"}
PORTS = {"http": CONFIGURATION["http"]["port"], "ops": CONFIGURATION["ops"]["port"]}
# What a stop takes at most, in seconds, with what a process needs to end.
STOPS = (CONFIGURATION["http"]["notice_ms"] + CONFIGURATION["http"]["drain_ms"]) / 1000 + 5
# How long a start waits for its store and keys, in seconds.
STARTS = CONFIGURATION["ops"].get("start_ms", 60_000) / 1000
USER = 65532
