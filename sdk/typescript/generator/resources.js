/**
 * Writes src/generated/resources.ts: a class for each resource, with a method
 * for each operation.
 *
 * @module
 */
import { document, operations, resolve, schemaName } from "./document.js";
import { editSample, sample } from "./samples.js";
import { comment, paramsName, pascal, typeNames, typeOf } from "./types.js";

/** @typedef {import("./document.js").Operation} Operation */

/** @returns {Promise<string>} */
export async function resources() {
  const all = operations();
  /** @type {Map<string, Operation[]>} */
  const byResource = new Map();
  for (const operation of all) {
    byResource.set(operation.resource, [...(byResource.get(operation.resource) ?? []), operation]);
  }
  const classes = [];
  for (const [resource, its] of byResource) {
    const methods = [];
    for (const operation of its)
      methods.push(await methodOf(operation), await editOf(operation, its));
    classes.push(`${about(resource, its)}export class ${className(resource)} {
  readonly #transport: Transport;

  /** @internal */
  constructor(transport: Transport) {
    this.#transport = transport;
  }

${methods.filter(Boolean).join("\n")}}\n`);
  }
  const code = classes.join("\n");
  return `${imports(code)}\n${code}\n${root(byResource)}`;
}

/**
 * The base class of the client, with a property for each resource.
 *
 * @param {Map<string, Operation[]>} byResource
 */
function root(byResource) {
  const all = [...byResource];
  return `/** The resources of the service. */
export abstract class Resources {
${all.map(([name, its]) => `${about(name, its)}readonly ${name}: ${className(name)};`).join("\n")}
  /** @internal */
  constructor(transport: Transport) {
${all.map(([name]) => `this.${name} = new ${className(name)}(transport);`).join("\n")}
  }
}\n`;
}

/** @param {string} resource */
const className = (resource) => `${pascal(resource)}Resource`;

/**
 * @param {string} resource
 * @param {Operation[]} its
 */
function about(resource, its) {
  const named = (/** @type {string} */ tag) =>
    document.tags.find((/** @type {{ name: string }} */ { name }) => name === tag)?.description;
  return comment([named(resource.toLowerCase()) ?? named(its[0]?.node.tags[0])]);
}

/**
 * The imports of what the code uses.
 *
 * @param {string} code
 */
function imports(code) {
  const words = new Set(code.replaceAll(/\/\*\*.*?\*\//gs, "").match(/\w+/g));
  /** @type {[string, string[]][]} */
  const modules = [
    ["../call.js", ["Call"]],
    ["../options.js", ["CallOptions", "ConditionalOptions", "CreateOptions"]],
    ["../pager.js", ["CountedPage", "Page"]],
    ["../transport.js", ["Transport"]],
    ["./types.js", typeNames()],
  ];
  const types = modules.map(([from, names]) => [from, names.filter((name) => words.has(name))]);
  return [
    'import { edit } from "../edit.js";',
    'import { Pager } from "../pager.js";',
    ...types.map(([from, names]) => `import type { ${names} } from "${from}";`),
  ].join("\n");
}

/** @param {Operation} operation */
async function methodOf(operation) {
  const { method, node, result } = operation;
  const doc = comment([
    node.summary,
    node.description,
    node.deprecated ? "@deprecated" : undefined,
    operation.pathParams
      .map(({ description, name }) => `@param ${name} - ${description}`)
      .join("\n"),
    example(await sample(operation)),
  ]);
  const head = `${doc}${method}(${parameters(operation)})`;
  const args = `${literal(operation)}, [${names(operation)}], ${hasParams(operation) ? "params" : "{}"}, options`;
  const type = result.kind === "nothing" ? "void" : typeOf(result.schema, false);
  switch (result.kind) {
    case "stream":
      return `${head}: AsyncGenerator<${type}, void, undefined> {
        return this.#transport.stream(${args});
      }\n`;
    case "page": {
      const page = `${result.total ? "CountedPage" : "Page"}<${type}>`;
      return `${head}: Pager<${type}, ${page}> {
        return new Pager((cursor) => this.#transport.page(${literal(operation)}, [${names(operation)}],
          { ...params, ...cursor }, options));
      }\n`;
    }
    default:
      return `${head}: Call<${type}> {
        return this.#transport.call(${args});
      }\n`;
  }
}

/**
 * An operation with If-Match whose resource can be read at the same path has a
 * method that changes the resource without overwriting the edits of others.
 *
 * @param {Operation} update
 * @param {Operation[]} its
 */
async function editOf(update, its) {
  if (!update.conditional || update.verb !== "PUT" || !update.body) return "";
  const read = its.find(({ verb, path }) => verb === "GET" && path === update.path);
  if (!read) return "";
  const from = typeOf(read.result.schema, false);
  const to = schemaName(update.body.schema);
  const keys = update.pathParams.map(({ name }) => name).join(", ");
  return `${comment([
    `Change what \`${read.method}\` returns, without overwriting the edits of others`,
    `Reads the ${update.result.member}, calls \`change\`, and writes the change that it
returns. If somebody else has edited the ${update.result.member} in the meantime, reads it
and calls \`change\` again.`,
    example(await editSample(update)),
  ])}${editName(update)}(${update.pathParams.map(pathParam).join(", ")}, change: (${update.result.member}: ${from}) => ${to} | Promise<${to}>, options: CallOptions = {}): Promise<${from}> {
    return edit(
      () => this.${read.method}(${keys}, ${hasParams(read) ? "{}, " : ""}options),
      async (value, etag) => this.${update.method}(${keys}, await change(value), { ...options, ifMatch: etag }),
    );
  }\n`;
}

/** @param {Operation} update */
const editName = ({ method }) => method.replace(/^update/, "edit");

/** @param {string} code */
const example = (code) => `@example\n\`\`\`ts\n${code.trim()}\n\`\`\``;

/** @param {Operation} operation */
const hasParams = ({ body, query }) => Boolean(body) || query.length > 0;

/** @param {Operation} operation */
const names = ({ pathParams }) => pathParams.map(({ name }) => name).join(", ");

/** @param {import("./document.js").Node} param */
const pathParam = ({ name, schema }) =>
  `${name}: ${resolve(schema).type === "integer" ? "number" : "string"}`;

/** @param {Operation} operation */
function parameters(operation) {
  const { body, conditional, node, pathParams, query } = operation;
  const list = pathParams.map(pathParam);
  if (hasParams(operation)) {
    const optional = !body?.required && query.every(({ required }) => !required);
    list.push(`params: ${paramsName(operation)}${optional ? " = {}" : ""}`);
  }
  const options = [
    ...(node["x-idempotent"] ? ["CreateOptions"] : []),
    ...(conditional ? ["ConditionalOptions"] : []),
  ];
  return [...list, `options: ${options.join(" & ") || "CallOptions"} = {}`].join(", ");
}

/**
 * What the transport has to know about an operation.
 *
 * @param {Operation} operation
 */
function literal({ body, name, node, path, query, result, verb }) {
  /** @type {Record<string, unknown>} */
  const facts = { name, method: verb, path };
  if (body) facts.body = body.member ?? true;
  if (body && query.length > 0) facts.query = query.map(({ name }) => name);
  if (result.kind === "nothing") facts.empty = true;
  if (result.kind === "text") facts.text = true;
  if (result.member) facts.expects = result.member;
  if (result.kind === "member") facts.unwraps = true;
  if (result.total) facts.total = result.total;
  if (node["x-idempotent"]) facts.creates = true;
  if (node["x-safe"]) facts.safe = true;
  if (node.security.length === 0) facts.anonymous = true;
  return JSON.stringify(facts);
}
