/**
 * Writes the code of README.md and of samples.json to test/snippets, so that
 * the compiler checks it and the tests run it.
 *
 * @module
 */
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";

const root = new URL("..", import.meta.url);
const out = new URL("test/snippets/", root);
const read = (/** @type {string} */ path) => readFileSync(new URL(path, root), "utf8");
rmSync(out, { recursive: true, force: true });
mkdirSync(out);

const imports = 'import { Byline, BylineError } from "../../src/index.js";\n';
const given = `${imports}
declare const tess: Byline;
declare function currentToken(): string;
declare function traceparent(): string;
`;
const blocks = [...read("README.md").matchAll(/^```ts\n(.*?)^```$/gms)].map(
  ([, code]) => code ?? "",
);
blocks.forEach((code, i) => {
  const client = code.includes("const byline =") ? "" : "declare const byline: Byline;\n";
  const text = code.includes("import {")
    ? code
        .replace("@byline-api/client", "../../src/index.js")
        .replace('"http://127.0.0.1:8080"', "process.env.BYLINE_URL!")
    : given + client + code;
  writeFileSync(new URL(`readme${i}.ts`, out), text);
});
const [, program] = /^```js\n(.*?)^```$/ms.exec(read("README.md")) ?? [];
writeFileSync(
  new URL("readme.cjs", out),
  "// @ts-nocheck\n" + (program ?? "").replace('"http://127.0.0.1:8080"', "process.env.BYLINE_URL"),
);

const samples = Object.entries(JSON.parse(read("samples.json"))).map(
  ([id, code]) => `export async function ${id}(byline: Byline) {\n${code}\n}\n`,
);
writeFileSync(new URL("samples.ts", out), imports + samples.join(""));
