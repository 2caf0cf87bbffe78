"""Functions' archives, as Lambda takes them."""

import hashlib
import io
import os
import zipfile
from pathlib import Path

from wardgate_infra import TARGET

# zlib's own balance; and for an emulator, where nobody waits for what a function loads.
BALANCED, SOON = 6, 1


def kept(bootstrap: bytes, level: int) -> Path:
    """Where the last builds' are, beside the build, because packing takes longer than uploading."""
    return TARGET / "deploy/archives" / f"{hashlib.sha256(bootstrap).hexdigest()}-{level}.zip"


def archive(bootstrap: bytes, level: int = BALANCED) -> bytes:
    """A function's archive."""
    file = kept(bootstrap, level)
    if not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        # Renamed at the end: what is there is whole.
        unfinished = file.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(zipped(bootstrap, level))
        unfinished.rename(file)
    return file.read_bytes()


def zipped(bootstrap: bytes, level: int = BALANCED) -> bytes:
    """The same bytes for the same binary: no time, no owner."""
    entry = zipfile.ZipInfo("bootstrap", (1980, 1, 1, 0, 0, 0))
    entry.create_system, entry.external_attr, entry.compress_type = 3, 0o755 << 16, zipfile.ZIP_DEFLATED
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as file:
        file.writestr(entry, bootstrap, compresslevel=level)
    return packed.getvalue()
