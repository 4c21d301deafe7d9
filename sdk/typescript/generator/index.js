/**
 * Generates src/generated and samples.json from openapi.yaml.
 *
 * @module
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { format, resolveConfig } from "prettier";
import { document, operations } from "./document.js";
import { resources } from "./resources.js";
import { sample } from "./samples.js";
import { types } from "./types.js";

const root = new URL("..", import.meta.url);
const notice = "// Generated from openapi.yaml by generator/index.js; `make sdk` replaces it.\n";
mkdirSync(new URL("src/generated/", root), { recursive: true });

await write("src/generated/types.ts", `${notice}\n${types()}`);
await write("src/generated/resources.ts", `${notice}${await resources()}`);
await write(
  "src/generated/version.ts",
  `${notice}\nexport const version = ${JSON.stringify(document.info.version)};\n`,
);
/** @type {Record<string, string>} */
const samples = {};
for (const operation of operations()) samples[operation.id] ??= (await sample(operation)).trim();
await write("samples.json", JSON.stringify(samples));

/**
 * @param {string} path
 * @param {string} text
 */
async function write(path, text) {
  const url = new URL(path, root);
  const config = await resolveConfig(url);
  writeFileSync(url, await format(text, { ...config, filepath: url.pathname }));
}
