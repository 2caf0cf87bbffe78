// The runtimes that judge the corpus. Each has `verdicts`, by the tokens' names, and throws `Missing` where it is not there.

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import * as jose from "jose";
import { start } from "../local/workerd.js";
import { repeat, verdictsOf } from "./corpus.js";

const run = promisify(execFile);
const here = (path) => fileURLToPath(new URL(path, import.meta.url));
const repository = here("../..");

export class Missing extends Error {}

export const readJson = async (path) => JSON.parse(await readFile(path, "utf8"));
export const corpus = await readJson(here("../corpus.json"));

async function inFolder(work) {
  const folder = await mkdtemp(join(tmpdir(), "edge-"));
  try {
    return await work(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function command(missing, ...args) {
  try {
    return await run(...args);
  } catch (error) {
    if (error.code === "ENOENT") throw new Missing(missing);
    throw error;
  }
}

async function rust() {
  return inFolder(async (folder) => {
    const file = join(folder, "verdicts.json");
    const test = ["test", "--quiet", "--package", "wardgate-verify", "--test", "corpus"];
    const options = { cwd: repository, env: { ...process.env, CORPUS_VERDICTS: file }, maxBuffer: 1 << 24 };
    await command("Rust is missing", "cargo", test, options);
    return readJson(file);
  });
}

/** What edge/deny.js says in njs, and what else test/deny.njs.js has tried. */
export async function njs(strict) {
  return inFolder(async (folder) => {
    const source = await readFile(here("../deny.js"), "utf8");
    const text = source.replace("const STRICT = false;", `const STRICT = ${strict};`);
    await writeFile(join(folder, "main.js"), text + (await readFile(here("deny.njs.js"), "utf8")));
    // njs looks for a module by its very name.
    await copyFile(here("key-value-store.js"), join(folder, "cloudfront"));
    await copyFile(here("../corpus.json"), join(folder, "corpus.json"));
    await command("njs is missing", "njs", ["-p", folder, "main.js"], { cwd: folder, maxBuffer: 1 << 24 });
    return readJson(join(folder, "verdicts.json"));
  });
}

async function inWorkerd(work) {
  const worker = await start(new URL("worker.js", import.meta.url), { external: { ISSUER: "127.0.0.1:9" } });
  try {
    return await work(`http://127.0.0.1:${worker.port}`);
  } finally {
    await worker.stop();
  }
}

export const RUNTIMES = {
  rust,
  node: () => verdictsOf(corpus),
  workerd: () => inWorkerd(async (base) => (await fetch(`${base}/verdicts`)).json()),
  njs: async () => (await njs(true)).verdicts,
};

/** Microseconds that one verification takes: our verifier's, and one by jose with the usual options. */
export async function times() {
  const once = 100;
  // The best of some: a machine that is busy with something else only ever adds.
  const measure = async (work) => {
    let best = Infinity;
    for (let round = 0; round < 8; round += 1) {
      const began = process.hrtime.bigint();
      await work(once);
      best = Math.min(best, Number(process.hrtime.bigint() - began) / 1000 / once);
    }
    return Math.round(best);
  };
  const rows = [];
  for (const name of ["good RS256", "good ES256"]) {
    for (const how of ["verifier", "jose alone"]) {
      const node = await measure((times) => repeat(corpus, jose, name, how, times));
      const query = (times) => new URLSearchParams({ name, how, times: String(times) });
      const workerd = await inWorkerd((base) => measure((times) => fetch(`${base}/repeat?${query(times)}`)));
      rows.push({ name, how, node, workerd });
    }
  }
  return rows;
}
