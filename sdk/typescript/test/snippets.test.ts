// Runs the code of README.md and of samples.json; test/snippets.js prepares it.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { test } from "node:test";
import { parse } from "yaml";
import type { Byline } from "../src/index.js";
import { fake, type Handler, respond } from "./fake.js";

type Node = Record<string, any>;

const file = new URL("../../../../openapi.yaml", import.meta.url);
const document = parse(readFileSync(file, "utf8")) as Node;

function resolve(node: Node): Node {
  if (!node["$ref"]) return node;
  const steps = (node["$ref"] as string).split("/").slice(1);
  return resolve(steps.reduce((at, step) => at[step], document));
}

/** Returns a handler that responds as the document shows. */
function example(operation: Node): Handler {
  const [status, node] = Object.entries<Node>(operation["responses"])[0]!;
  const content = resolve(node)["content"] as Node | undefined;
  const [type, media] = Object.entries<Node>(content ?? {})[0] ?? ["", undefined];
  const end = type.includes("ndjson") ? '\n{"type":"end","records":1}\n' : "";
  const body = !media
    ? ""
    : type === "text/plain"
      ? (media["example"] as string)
      : JSON.stringify(media["example"]) + end;
  return respond(Number(status), body, { "Content-Type": type });
}

test("each sample sends its request", async (t) => {
  const url = new URL("./snippets/samples.js", import.meta.url).href;
  const samples = (await import(url)) as Record<string, (byline: Byline) => Promise<void>>;
  t.mock.method(console, "log", () => {});
  for (const [path, item] of Object.entries<Node>(document["paths"])) {
    for (const [method, operation] of Object.entries<Node>(item)) {
      const id = operation["operationId"] as string;
      const { byline, requests } = fake([example(operation)]);
      await samples[id]!(byline);
      assert.equal(requests.length, 1, id);
      const [request] = requests;
      assert.equal(request!.method, method.toUpperCase());
      const pattern = path.replace(/\{\w+\}/g, "[^/]+");
      assert.match(new URL(request!.url).pathname, new RegExp(`^/api${pattern}$`));
      if (!operation["requestBody"]) continue;
      const { content } = resolve(operation["requestBody"] as Node);
      assert.deepEqual(await request!.json(), content["application/json"].example);
    }
  }
});

const service = process.env["BYLINE_URL"];
test("the program of README.md runs", { skip: !service && "BYLINE_URL is not set" }, async (t) => {
  const lines: string[] = [];
  t.mock.method(console, "log", (...words: unknown[]) => void lines.push(words.join(" ")));
  for (const run of ["first", "second"]) {
    await import(new URL(`./snippets/readme0.js?${run}`, import.meta.url).href);
  }
  assert.match(
    lines.join("\n"),
    /^published hello-tess\S*\n(.+ by \w+\n)*Hello, Tess by tess\n(.+ by \w+\n)*published/,
  );
});

test("the program for CommonJS runs", { skip: !service && "BYLINE_URL is not set" }, () => {
  // It loads the package as make sdk-test has built it.
  const file = new URL("../../test/snippets/readme.cjs", import.meta.url);
  const printed = execFileSync(process.execPath, [file.pathname], { encoding: "utf8" });
  assert.equal(printed, "404 not_found\n");
});
