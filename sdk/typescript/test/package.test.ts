// The package as it would be published.

import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdir, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const here = (path: string) => fileURLToPath(new URL(path, import.meta.url));
const folder = here("../");
// What openapi-typescript asks for, `typescript`, is an older one.
const tsc = here("../node_modules/typescript-7/bin/tsc");

interface Description {
  version: string;
  dependencies: Record<string, string>;
  scripts: Record<string, string>;
}
const description = JSON.parse(await readFile(here("../package.json"), "utf8")) as Description;

interface Packed {
  filename: string;
  files: { path: string }[];
}
async function pack(...more: string[]): Promise<Packed> {
  const { stdout } = await run("npm", ["pack", "--json", "--ignore-scripts", ...more], { cwd: folder });
  const [packed] = JSON.parse(stdout) as Packed[];
  assert.ok(packed);
  return packed;
}

test("it has these files, one dependency, and nothing that runs when it is installed", async () => {
  const { files } = await pack("--dry-run");
  const expected = ["README.md", "dist/index.d.ts", "dist/index.js", "dist/schema.d.ts", "dist/schema.js", "package.json"];
  assert.deepEqual(files.map(({ path }) => path).sort(), expected);
  assert.deepEqual(Object.keys(description.dependencies), ["openapi-fetch"]);
  for (const name of ["preinstall", "install", "postinstall", "prepare"]) assert.equal(description.scripts[name], undefined);
});

test("its version is the workspace's", async () => {
  const manifest = await readFile(here("../../../Cargo.toml"), "utf8");
  assert.equal(/^version = "(.*)"$/m.exec(manifest)?.[1], description.version);
});

test("packed and unpacked, what its page shows compiles and runs", async (context) => {
  const elsewhere = await mkdtemp(join(tmpdir(), "client-"));
  context.after(() => rm(elsewhere, { recursive: true }));
  const { filename } = await pack("--pack-destination", elsewhere);
  const target = join(elsewhere, "node_modules/@wardgate/client");
  await mkdir(target, { recursive: true });
  await run("tar", ["-xzf", join(elsewhere, filename), "-C", target, "--strip-components=1"]);
  for (const name of ["openapi-fetch", "openapi-typescript-helpers", "@types", "undici-types"]) {
    await symlink(here(`../node_modules/${name}`), join(elsewhere, "node_modules", name));
  }
  const page = await readFile(here("../README.md"), "utf8");
  const shown = [...page.matchAll(/^```ts\n([\s\S]*?)^```$/gm)].map(([, block]) => block).join("\n");
  const baseUrl = process.env["WARDGATE"] ?? "http://localhost:8080";
  await writeFile(join(elsewhere, "package.json"), '{ "type": "module" }');
  await writeFile(join(elsewhere, "main.ts"), shown.replace("https://auth.example.com", baseUrl));
  const options = ["--strict", "--exactOptionalPropertyTypes", "--module", "nodenext", "--target", "es2022", "--types", "node"];
  const compiled = await run(process.execPath, [tsc, ...options, "main.ts"], { cwd: elsewhere }).catch((error: { stdout: string }) => error);
  assert.equal(compiled.stdout, "");
  const { stdout } = await run(process.execPath, ["main.js"], { cwd: elsewhere });
  const [who, renewed, refused] = stdout.split("\n");
  assert.equal(who, "Demo User, demo@example.com");
  assert.equal(renewed, "good for 300 seconds");
  assert.match(refused ?? "", /^\w+ \[$|^\w+ \[ ?'password: /);
});
