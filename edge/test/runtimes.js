// The runtimes that judge the corpus. Each has `verdicts`, by the tokens' names, and throws `Missing` where it is not there.

import { execFile } from "node:child_process";
import { copyFile, mkdtemp, readFile, rm, stat, writeFile } from "node:fs/promises";
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
  const cloudfront = new URL("key-value-store.js", import.meta.url);
  const worker = await start(new URL("worker.js", import.meta.url), { external: { ISSUER: "127.0.0.1:9" }, cloudfront });
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

/** Microseconds that one verification takes by the crate, in a release build. */
async function rustTimes() {
  return inFolder(async (folder) => {
    const file = join(folder, "times.json");
    const test = ["test", "--quiet", "--release", "--package", "wardgate-verify", "--test", "corpus", "can_be_told"];
    const options = { cwd: repository, env: { ...process.env, CORPUS_TIMES: file }, maxBuffer: 1 << 24 };
    await command("Rust is missing", "cargo", test, options);
    return readJson(file);
  });
}

const ONCE = 100;

/** The best of some rounds, in microseconds: a machine that is busy with something else only ever adds. */
async function measure(work) {
  let best = Infinity;
  for (let round = 0; round < 8; round += 1) {
    const began = process.hrtime.bigint();
    await work(ONCE);
    best = Math.min(best, Number(process.hrtime.bigint() - began) / 1000 / ONCE);
  }
  return Math.round(best);
}

/** What is not there has no time. */
const unlessMissing = (error) => {
  if (!(error instanceof Missing)) throw error;
  return undefined;
};

/** Microseconds that one verification takes: our verifier's, and one by jose with the usual options. */
export async function verificationTimes() {
  const rust = (await rustTimes().catch(unlessMissing)) ?? {};
  const rows = [];
  for (const name of ["good RS256", "good ES256"]) {
    for (const how of ["verifier", "jose alone"]) {
      const node = await measure((times) => repeat(corpus, jose, name, how, times));
      const query = (times) => new URLSearchParams({ name, how, times: String(times) });
      const workerd = await inWorkerd((base) => measure((times) => answered(`${base}/repeat?${query(times)}`)));
      rows.push({ name, how, rust: how === "verifier" ? rust[name] : undefined, node, workerd });
    }
  }
  return rows;
}

/** Microseconds of a decision of deny.js, and how large it is. */
export async function decisionTimes() {
  const inNjs = [];
  for (let round = 0; round < 5; round += 1) inNjs.push(await njs(false).then(({ took }) => took * 1000, unlessMissing));
  const workerd = await inWorkerd((base) => measure((times) => answered(`${base}/decide?times=${times}`)));
  const { size } = await stat(here("../deny.js"));
  return { njs: inNjs.includes(undefined) ? undefined : Math.round(Math.min(...inNjs)), workerd, bytes: size };
}

async function answered(address) {
  const answer = await fetch(address);
  if (!answer.ok) throw new Error(`${address}: ${answer.status}`);
}
