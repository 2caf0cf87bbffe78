// edge/viewer.js: whose address it says, whatever the client wrote.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { mkdtempSync, writeFileSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { runInNewContext } from "node:vm";

const HEADER = "x-wardgate-viewer-address";
const source = await readFile(new URL("../viewer.js", import.meta.url), "utf8");

function event(headers) {
  return {
    version: "1.0",
    context: { eventType: "viewer-request" },
    viewer: { ip: "203.0.113.7" },
    request: { method: "GET", uri: "/v1/me", querystring: {}, headers, cookies: {} },
  };
}

const sent = [
  {},
  { accept: { value: "*/*" } },
  { [HEADER]: { value: "192.0.2.1" } },
  { [HEADER]: { value: "192.0.2.1", multiValue: [{ value: "192.0.2.1" }, { value: "192.0.2.2" }] } },
];

test("sec_ed_02 the edge says the viewer's address over whatever the client wrote there", () => {
  const handler = runInNewContext(`${source}; handler`);
  for (const headers of sent) {
    const { accept } = headers;
    const request = handler(event(headers));
    assert.deepEqual(structuredClone(request.headers[HEADER]), { value: "203.0.113.7" });
    assert.deepEqual(request.headers.accept, accept);
    assert.equal(request.uri, "/v1/me");
  }
});

test("sec_ed_02 so it does in njs", (t) => {
  const folder = mkdtempSync(join(tmpdir(), "viewer-"));
  const events = JSON.stringify(sent.map(event));
  const asked = `${source}\nconsole.log(JSON.stringify(${events}.map((it) => handler(it).headers['${HEADER}'])));\n`;
  writeFileSync(join(folder, "viewer.js"), asked);
  let printed;
  try {
    printed = execFileSync("njs", [join(folder, "viewer.js")], { encoding: "utf8" });
  } catch (error) {
    if (error.code !== "ENOENT" || process.env.REQUIRE_INTEROP) throw error;
    t.skip("there is no njs");
    return;
  }
  assert.deepEqual(JSON.parse(printed), sent.map(() => ({ value: "203.0.113.7" })));
});
