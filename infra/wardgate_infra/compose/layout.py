"""`make compose`: a store with its tables and demo user, and a file for each ring, as compose.yaml mounts them.

Both are a development server's. A server without the cargo feature dev makes neither (PL-06).
"""

import json
import os
import shutil
from pathlib import Path

from wardgate_infra import Failed
from wardgate_infra.prometheus.processes import free_port, running, until

STARTS = 60


def laid_out(folder: Path, engine: Path) -> Path:
    """Lets a development server make it, once, in a folder. Gives that of store and secrets."""
    out = folder / "compose"
    if (out / "secrets").exists():
        raise Failed(f"{out} is there already, with keys and people: delete it to begin again")
    made = folder / "compose-made"
    made.mkdir(parents=True, exist_ok=True)
    variables = {
        "AUTH__STAGE": "development",
        "AUTH__EMBEDDED__FOLDER": str(made / "data"),
        "AUTH__HTTP__PORT": str(free_port()),
    }
    with running("engine", [engine, "engine"], made, variables):
        until("The store is there", STARTS, (made / "data/functions.env").exists)
    (out / "store").mkdir(parents=True)
    for file in (made / "data").glob("store.sqlite*"):
        shutil.copy2(file, out / "store")
    for ring, keys in json.loads((made / "data/secrets.json").read_text(encoding="utf-8")).items():
        file = out / "secrets" / ring
        file.parent.mkdir(exist_ok=True)
        # Never readable by others, not even for a moment.
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o400), "w", encoding="utf-8") as to:
            to.write(keys if isinstance(keys, str) else json.dumps(keys))
    shutil.rmtree(made)
    return out
