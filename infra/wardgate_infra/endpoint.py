"""Writes what a new endpoint begins as: make endpoint AREA=accounts NAME=me-avatar METHOD=GET PATH=/v1/me/avatar

Everything compiles, and its test fails until it says what the endpoint does. What is generated is for `make generate`.
"""

import json
import re
import sys
from pathlib import Path

from wardgate_infra import ROOT, Failed

METHODS = ("get", "post", "patch", "delete")

USE_CASE = """\
//! What `{route}` does.

use thiserror::Error;

use crate::app::App;
use crate::domain::request_context::RequestContext;
use crate::fault::{{Fault, fault_arm}};

/// Why it is not done.
#[derive(Debug, Error)]
pub enum {type}Error {{
    /// Our own failure.
    #[error(transparent)]
    Fault(Fault),
}}
fault_arm!({type}Error);

/// Does nothing yet.
pub async fn {module}(app: &App, _context: &RequestContext) -> Result<(), {type}Error> {{
    app.store.ping().await?;
    Ok(())
}}
"""
HANDLER = """\
//! `{route}`: nothing yet.

use wardgate::app::{{App, Needs}};
use wardgate::http::cors::Cors;
use wardgate::http::endpoint::{{Class, Endpoint, Reader, Route}};
use wardgate::http::openapi::{{Bearer, Body, Operation}};
use wardgate::http::problem::Problem;
use wardgate::http::reply::Reply;
use wardgate::http::request::Request;
use wardgate::use_cases::{area}::{module}::{{{type}Error, {module}}};

/// What answers `{route}`.
pub const ENDPOINT: Endpoint = Endpoint {{
    name: "{name}",
    routes: &[Route::{method}("{path}")],
    class: Class::Standard,
    reader: Reader::Program,
    cors: Cors::None,
    needs: Needs {{ rings: &[], table: true }},
    handler: |app, request| Box::pin(handle(app, request)),
}};

/// What the API description says of it.
pub const OPERATION: Operation = Operation {{
    summary: "Nothing yet",
    bearer: Bearer::Ignored,
    parameters: &[],
    request: Body::None,
    responses: &[(204, "Done.", None)],
    problems: &[],
}};

async fn handle(app: &App, request: &Request) -> Result<Reply, Problem> {{
    {module}(app, &request.context).await.map_err(problem)?;
    Ok(Reply::no_content())
}}

fn problem(error: {type}Error) -> Problem {{
    match error {{
        {type}Error::Fault(fault) => fault.into(),
    }}
}}
"""
BINARY = """\
//! The `{name}` function.

fn main() -> Result<(), lambda_http::Error> {{
    wardgate::lambda::serve(&{area}::{module}::ENDPOINT)
}}
"""
TEST = """\
//! `{route}`.

use reqwest::Method;

use crate::harness::TestServer;
use crate::permissions::observer::Observer;

/// Every branch that asks something of AWS: `make generate` makes the function's role of what it sees.
pub async fn drive(observer: &mut Observer) {{
    observer
        .see("{name}", async |it| {{
            assert_eq!(it.send(it.request(Method::{METHOD}, "{path}")).await.status, 204);
        }})
        .await;
}}

#[tokio::test]
async fn it_does_what_it_is_for() {{
    let server = TestServer::start().await;
    let answer = server.send(server.request(Method::{METHOD}, "{path}")).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, "say here what it answers"));
}}
"""


def main(arguments: list[str]) -> None:
    area, name, method, path = arguments
    try:
        written = write(ROOT, area, name, method.lower(), path)
    except Failed as failure:
        sys.exit(f"wardgate: {failure}")
    print("These are there, and compile:")
    for file in written:
        print(f"  {file}")
    print(
        "Fill in, in this order: the use case with its store method, the handler, the route test with its `drive`, and"
    )
    print("CHANGELOG.md. `make generate` makes everything else of them: stacks, role, API, description, responses.")


def write(root: Path, area: str, name: str, method: str, path: str) -> list[str]:
    """Writes the files and the lines of an endpoint. Gives the files, from the root."""
    refuse(root, area, name, method, path)
    module = name.replace("-", "_")
    words = {
        "area": area.replace("-", "_"),
        "method": method,
        "METHOD": method.upper(),
        "module": module,
        "name": name,
        "path": path,
        "route": f"{method.upper()} {path}",
        "type": "".join(word.capitalize() for word in name.split("-")),
    }
    folder = words["area"]
    new = {
        f"shared/src/use_cases/{folder}/{module}.rs": USE_CASE.format(**words),
        f"functions/{area}/src/{module}.rs": HANDLER.format(**words),
        f"functions/{area}/src/bin/{name}.rs": BINARY.format(**words),
        f"tests/routes/{folder}/{module}.rs": TEST.format(**words),
        f"events/{name}/ok.json": event(root, method, path, "ok"),
        f"events/{name}/broken-body.json": event(root, method, path, "broken-body"),
    }
    if there := [file for file in new if (root / file).exists()]:
        raise Failed(f"{', '.join(there)}: there already, and not written over.")
    for file, text in new.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
    add_module(root / f"shared/src/use_cases/{folder}/mod.rs", f"pub mod {module};")
    add_module(root / f"tests/routes/{folder}/mod.rs", f"mod {module};")
    add_drive(root / f"tests/routes/{folder}/mod.rs", module)
    listing = root / f"functions/{area}/src/lib.rs"
    add_module(listing, f"pub mod {module};")
    add_endpoint(listing, module)
    return list(new)


def refuse(root: Path, area: str, name: str, method: str, path: str) -> None:
    """Says what is wrong with what was typed, all of it."""
    listed = [it.parent.parent.name for it in (root / "functions").glob("*/src/lib.rs") if "area!" in it.read_text()]
    # Pages have no use cases of their own: a form of theirs is another's.
    cases = root / "shared/src/use_cases"
    areas = sorted(area for area in listed if (cases / area.replace("-", "_") / "mod.rs").exists())
    wrong = []
    if area not in areas:
        wrong.append(f"AREA is one of {', '.join(areas)}, not {area!r}")
    if not re.fullmatch("[a-z][a-z0-9]*(-[a-z0-9]+)*", name):
        wrong.append(f"NAME is lower-case words with hyphens, not {name!r}")
    if list((root / "functions").glob(f"*/src/bin/{name}.rs")):
        wrong.append(f"there is a function {name} already")
    if method not in METHODS:
        wrong.append(f"METHOD is one of {', '.join(METHODS).upper()}, not {method.upper()!r}")
    if not re.fullmatch(r"/[a-z0-9._/{}-]*", path):
        wrong.append(f"PATH begins with a slash and has lower-case letters, not {path!r}")
    if wrong:
        raise Failed("; ".join(wrong) + ".\nmake endpoint AREA=accounts NAME=me-avatar METHOD=GET PATH=/v1/me/avatar")


def event(root: Path, method: str, path: str, case: str) -> str:
    """A golden event, after that of /health."""
    text = (root / f"events/health/{case}.json").read_text(encoding="utf-8")
    found = json.loads(text.replace("/health", path).replace("GET", method.upper()))
    return json.dumps(found, indent=2, ensure_ascii=False) + "\n"


def add_module(file: Path, line: str) -> None:
    """Puts a line among its like, in order."""
    lines = file.read_text(encoding="utf-8").splitlines()
    kind = line.rsplit(" ", 1)[0] + " "
    modules = sorted({*(it for it in lines if it.startswith(kind) and it.endswith(";")), line})
    first = next(number for number, it in enumerate(lines) if it.startswith(kind))
    others = [it for it in lines if it not in modules]
    file.write_text("\n".join([*others[:first], *modules, *others[first:]]) + "\n", encoding="utf-8")


def add_endpoint(file: Path, module: str) -> None:
    """Puts an endpoint into the list of its area."""

    def listed(found: re.Match[str]) -> str:
        names = sorted({*re.findall(r"\w+", found["names"]), module})
        return "\n".join([found["begin"], *(f"    {name}," for name in names), "];"])

    text = file.read_text(encoding="utf-8")
    text = re.sub(r'(?P<begin>wardgate::area!\["[a-z-]+":)(?P<names>[^\]]*)\];', listed, text)
    file.write_text(text, encoding="utf-8")


def add_drive(file: Path, module: str) -> None:
    """Has the permissions driven by the endpoint's own test, too."""
    text = file.read_text(encoding="utf-8")
    begin, end = text.rsplit("];", 1)
    # One that rustfmt has broken into lines ends with a comma.
    between = "" if begin.rstrip().endswith(("[", ",")) else ", "
    text = f"{begin}{between}|it| Box::pin({module}::drive(it))];{end}"
    file.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1:])
