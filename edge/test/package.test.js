// The package as it would be published.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { bundle } from "../local/workerd.js";
import { readJson } from "./runtimes.js";

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const description = await readJson(here("../verifier/package.json"));
const FILES = [
  "README.md",
  "adapters/express.d.ts",
  "adapters/express.js",
  "adapters/hono.d.ts",
  "adapters/hono.js",
  "adapters/lambda-edge.d.ts",
  "adapters/lambda-edge.js",
  "adapters/workers.d.ts",
  "adapters/workers.js",
  "package.json",
  "src/claims.js",
  "src/denied.js",
  "src/errors.js",
  "src/index.d.ts",
  "src/index.js",
  "src/jws.js",
  "src/key-set.js",
  "src/keys.js",
  "src/members.js",
  "src/verify.js",
];

test("ED-19 it has these files, one dependency, and nothing that runs when it is installed", async () => {
  const { stdout } = await run("npm", ["pack", "--dry-run", "--json", "--ignore-scripts"], { cwd: here("../verifier") });
  assert.deepEqual(JSON.parse(stdout)[0].files.map(({ path }) => path).sort(), FILES);
  assert.deepEqual(Object.keys(description.dependencies), ["jose"]);
  assert.equal(description.scripts, undefined);
  assert.deepEqual([description.peerDependencies, description.optionalDependencies, description.bin], [undefined, undefined, undefined]);
});

test("its version is the workspace's", async () => {
  const { stdout } = await run("grep", ["-m1", "^version = ", here("../../Cargo.toml")]);
  assert.equal(stdout.trim(), `version = "${description.version}"`);
});

test("packed and unpacked, each of its entries can be imported", async (context) => {
  const folder = await mkdtemp(join(tmpdir(), "package-"));
  context.after(() => rm(folder, { recursive: true }));
  const packed = ["pack", "--json", "--ignore-scripts", "--pack-destination", folder];
  const { stdout } = await run("npm", packed, { cwd: here("../verifier") });
  const target = join(folder, "node_modules/@wardgate/verifier");
  await mkdir(target, { recursive: true });
  await run("tar", ["-xzf", join(folder, JSON.parse(stdout)[0].filename), "-C", target, "--strip-components=1"]);
  await symlink(here("../node_modules/jose"), join(folder, "node_modules/jose"));
  const imports = Object.keys(description.exports).map((it) => join("@wardgate/verifier", it));
  const lines = imports.map((it) => `console.log(Object.keys(await import(${JSON.stringify(it)})).join(" "));`);
  await writeFile(join(folder, "main.mjs"), lines.join("\n"));
  const { stdout: names } = await run(process.execPath, [join(folder, "main.mjs")]);
  const errors = "KeySetError KeysUnavailableError VerifyError createVerifier";
  assert.deepEqual(names.trim().split("\n"), [errors, "accessToken", "accessToken", "createHandler", "protect"]);
});

test("the types hold for the code and for whoever uses it", async () => {
  const { stdout } = await run(here("../node_modules/.bin/tsc"), ["--project", here("../tsconfig.json")]).catch((error) => error);
  assert.equal(stdout, "");
});

test("with jose it stays under 30 KB", async () => {
  const text = await bundle(new URL("../verifier/src/index.js", import.meta.url), { minify: true });
  assert.ok(text.length < 30_000, `${text.length} bytes`);
});
