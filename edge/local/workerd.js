// workerd, as a process of its own: bundled code, services beside it, and the port that it listens on.

import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";
import workerd from "workerd";

const { default: binary, compatibilityDate } = workerd;

/** deny.js imports what only CloudFront has, and exports nothing, because CloudFront finds its handler by name. */
const cloudFrontFunction = (cloudfront) => ({
  name: "cloudfront-function",
  setup(bundle) {
    bundle.onResolve({ filter: /^cloudfront$/ }, () => ({ path: fileURLToPath(cloudfront) }));
    bundle.onLoad({ filter: /\/deny\.js$/ }, async ({ path }) => ({
      contents: `${await readFile(path, "utf8")}\nexport { handler };\n`,
    }));
  },
});

/** All of a module and what it imports, as one text. `cloudfront` is what deny.js has as that module. */
export async function bundle(entry, { cloudfront = new URL("cloudfront.js", import.meta.url), ...options } = {}) {
  const { outputFiles } = await build({
    entryPoints: [fileURLToPath(entry)],
    bundle: true,
    write: false,
    format: "esm",
    target: "es2023",
    external: ["cloudflare:*", "node:*"],
    plugins: [cloudFrontFunction(cloudfront)],
    logLevel: "error",
    ...options,
  });
  return outputFiles[0].text;
}

/**
 * Starts workerd with one worker. Its `external` services are addresses such as `127.0.0.1:8080`, its `variables` texts.
 * Port 0 is one that is free.
 */
export async function start(entry, { port = 0, external = {}, variables = {}, output = "inherit", cloudfront } = {}) {
  const folder = await mkdtemp(join(tmpdir(), "edge-"));
  await writeFile(join(folder, "main.js"), await bundle(entry, { cloudfront }));
  const text = JSON.stringify;
  const bindings = [
    ...Object.keys(external).map((name) => `(name = ${text(name)}, service = ${text(name)})`),
    ...Object.entries(variables).map(([name, value]) => `(name = ${text(name)}, text = ${text(value)})`),
  ];
  const services = Object.entries(external).map(
    ([name, address]) => `(name = ${text(name)}, external = (address = ${text(address)}, http = ()))`,
  );
  const worker = `(modules = [(name = "main", esModule = embed "main.js")],
    compatibilityDate = ${text(compatibilityDate)}, bindings = [${bindings.join(", ")}])`;
  await writeFile(
    join(folder, "config.capnp"),
    `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [(name = "main", worker = ${worker}), ${services.join(", ")}],
  sockets = [(name = "http", address = "127.0.0.1:${port}", http = (), service = "main")]
);
`,
  );
  const child = spawn(binary, ["serve", "config.capnp", "--control-fd=3"], {
    cwd: folder,
    stdio: ["ignore", output, output, "pipe"],
  });
  const ended = new Promise((resolve) => child.once("exit", resolve));
  const stop = async () => {
    child.kill();
    await ended;
    await rm(folder, { recursive: true, force: true });
  };
  try {
    return { port: await listening(child, ended), stop, ended };
  } catch (error) {
    await stop();
    throw error;
  }
}

async function listening(child, ended) {
  let told = "";
  const control = child.stdio[3];
  const first = new Promise((resolve) => {
    control.on("data", (chunk) => {
      told += chunk;
      const line = told.split("\n").find((it) => it.includes('"listen"'));
      if (line) resolve(JSON.parse(line).port);
    });
  });
  const port = await Promise.race([first, ended]);
  if (child.exitCode !== null) throw new Error("workerd did not start; it says why above");
  return port;
}
