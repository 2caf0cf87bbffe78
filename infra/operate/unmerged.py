"""INTEGRATOR: delete this file once migrate, rotate, smoke, infra/migrate.yaml, infra/observability.yaml and
infra/backup.yaml are merged: `verb("x")` becomes `import x`, and `merged([…])` the list itself."""

import importlib
import types

from stage import ROOT

FILES = {
    "migrate stack": "infra/migrate.yaml",
    "migrations": "infra/operate/migrate.py",
    "first rotation": "infra/operate/rotate.py",
    "observability stack": "infra/observability.yaml",
    "backup stack": "infra/backup.yaml",
}


def merged(steps):
    """The steps whose module or template is there."""
    return [step for step in steps if (ROOT / FILES.get(step[0], "")).exists()]


def verb(name):
    """Another verb's module; a smoke test that says nothing until there is one."""
    if not (ROOT / f"infra/operate/{name}.py").exists():
        return types.SimpleNamespace(check=lambda stage: None)
    return importlib.import_module(name)
