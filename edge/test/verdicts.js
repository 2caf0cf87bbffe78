// Every token of the corpus in every runtime. Prints one table, and fails on a difference that has no reason in
// differences.json. REQUIRE_INTEROP=1 turns a missing runtime into a failure.

import { fileURLToPath } from "node:url";
import { Missing, RUNTIMES, corpus, decisionTimes, readJson, verificationTimes } from "./runtimes.js";

const differences = await readJson(fileURLToPath(new URL("differences.json", new URL("../", import.meta.url))));
const faults = [];

const found = {};
for (const [runtime, verdicts] of Object.entries(RUNTIMES)) {
  try {
    found[runtime] = await verdicts();
  } catch (error) {
    if (!(error instanceof Missing)) throw error;
    found[runtime] = undefined;
    if (process.env.REQUIRE_INTEROP) faults.push(`${error.message} (REQUIRE_INTEROP is set)`);
    else console.log(`NOT RUN: ${runtime}: ${error.message}`);
  }
}

/** Who only lets through or refuses agrees with every refusal. */
const agrees = (verdict, said) => said === verdict || said === (verdict === "ok" ? "through" : "refuse");
const covers = (rule, runtime, token, said) =>
  rule.in === runtime && rule.says === said && (rule.verdicts?.includes(token.verdict) || rule.tokens?.includes(token.name));

const used = new Set();
const width = Math.max(...corpus.tokens.map(({ name }) => name.length));
const row = (name, cells) => console.log([name.padEnd(width), ...cells.map((it) => it.padEnd(26))].join("  ").trimEnd());
row("token", Object.keys(RUNTIMES));
for (const token of corpus.tokens) {
  const cells = Object.entries(found).map(([runtime, verdicts]) => {
    if (!verdicts) return "-";
    const said = verdicts[token.name] ?? "nothing";
    if (agrees(token.verdict, said)) return said;
    const rule = differences.find((it) => covers(it, runtime, token, said));
    if (!rule) faults.push(`${token.name}: ${runtime} says ${said}, and right is ${token.verdict}`);
    used.add(rule);
    for (const name of rule?.tokens ?? []) if (name === token.name) used.add(`${runtime} ${name}`);
    for (const verdict of rule?.verdicts ?? []) if (verdict === token.verdict) used.add(`${runtime} ${verdict}`);
    return rule ? `${said} *` : `${said} !!`;
  });
  row(token.name, cells);
}

console.log("\n* differs, and may:");
for (const rule of differences) {
  if (!rule.reason?.trim()) faults.push(`a difference of ${rule.in} has no reason`);
  console.log(`  ${rule.in} says ${rule.says}: ${rule.reason}`);
  // Some hold only in some versions of a runtime.
  if (!found[rule.in] || rule.sometimes) continue;
  for (const it of [...(rule.tokens ?? []), ...(rule.verdicts ?? [])]) {
    if (!used.has(`${rule.in} ${it}`)) faults.push(`differences.json: ${rule.in} does not differ in: ${it}`);
  }
}

const microseconds = (name, value) => `${name} ${String(value ?? "-").padStart(4)}`;
// Beside what else runs there, times would say nothing.
if (process.env.ONLY_VERDICTS === undefined) {
  console.log("\nMicroseconds a token, on this machine:");
  for (const { name, how, ...took } of await verificationTimes()) {
    const cells = Object.entries(took).map(([runtime, value]) => microseconds(runtime, value));
    console.log(`  ${name.padEnd(12)} ${how.padEnd(12)} ${cells.join("  ")}`);
  }
  const { njs, workerd, bytes } = await decisionTimes();
  console.log(`  a decision of deny.js     ${microseconds("njs", njs)}  ${microseconds("workerd", workerd)}`);
  console.log(`deny.js: ${bytes} of 10240 bytes`);
}

console.log(`\n${corpus.tokens.length} tokens, ${Object.values(found).filter(Boolean).length} runtimes, ${faults.length} faults`);
for (const fault of faults) console.error(`FAIL ${fault}`);
process.exitCode = faults.length > 0 ? 1 : 0;
