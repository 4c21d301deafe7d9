/**
 * Writes src/generated/types.ts: an interface for each object that callers pass
 * or get. Texts such as timestamps are strings, and their description is that
 * of the member.
 *
 * @module
 */
import { document, operations, resolve, schemaName } from "./document.js";

/** @typedef {import("./document.js").Node} Node */
/** @typedef {import("./document.js").Operation} Operation */

const all = operations();
const bodies = all.flatMap(({ body }) => (body ? [body.schema] : []));
const inputs = reachable(bodies);
const named = Object.keys(document.components.schemas).filter((name) => isNamed(schemaOf(name)));
const used = reachable([
  ...bodies,
  ...all.flatMap(({ query, result }) => [...query.map(({ schema }) => schema), result.schema]),
  { $ref: "#/components/schemas/Problem" }, // for the class BylineError
]);
const declared = named.filter((name) => used.has(name));
const taking = all.filter(({ query }) => query.length > 0);

/** Returns the names of all types, in the order of their declarations. */
export const typeNames = () => [
  ...declared,
  ...taking.map((operation) => paramsName(operation) ?? ""),
];

/** Returns the declarations of all types. */
export const types = () => [...declared.map(declare), ...taking.map(params)].join("\n");

/** @param {string} name */
function schemaOf(name) {
  return document.components.schemas[name];
}

/**
 * Reports whether the schema has a type of its own.
 *
 * @param {Node} schema
 */
function isNamed(schema) {
  return Boolean(schema.properties ?? schema.enum);
}

/**
 * Returns the names of the schemas that the nodes refer to, directly or not.
 *
 * @param {Node[]} nodes
 * @param {Set<string>} found
 */
function reachable(nodes, found = new Set()) {
  for (const node of nodes) {
    const name = schemaName(node);
    if (name && found.has(name)) continue;
    if (name) found.add(name);
    const schema = resolve(node);
    reachable(
      [...Object.values(schema.properties ?? {}), ...(schema.items ? [schema.items] : [])],
      found,
    );
  }
  return found;
}

/** @param {string} name */
function declare(name) {
  const schema = schemaOf(name);
  const head = comment([schema.description]);
  if (schema.enum) return `${head}export type ${name} = ${union(schema)};\n`;
  const input = inputs.has(name);
  const members = Object.entries(schema.properties).map(([key, node]) =>
    member(key, node, schema.required?.includes(key) ?? false, input),
  );
  if (schema.additionalProperties === true) members.push("[member: string]: unknown;");
  return `${head}export interface ${name} {\n${members.join("\n")}\n}\n`;
}

/**
 * The name of the type of the parameters of an operation.
 *
 * @param {Operation} operation
 */
export function paramsName({ resource, method, query, body }) {
  if (query.length === 0 && body) return schemaName(body.schema);
  return `${pascal(resource)}${pascal(method)}Params`;
}

/** @param {Operation} operation */
function params(operation) {
  const { body, name, query } = operation;
  const base = body ? ` extends ${schemaName(body.schema)}` : "";
  const taken = body ? Object.keys(resolve(body.schema).properties) : [];
  const twice = query.find((param) => taken.includes(param.name));
  if (twice) throw new Error(`${name} has ${twice.name} both in the query and in the body`);
  const members = query.map(({ name, required, schema, description }) =>
    member(name, { ...resolve(schema), $type: typeOf(schema, true), description }, required, true),
  );
  return `/** The parameters of \`${name}\`. */\nexport interface ${paramsName(operation)}${base} {\n${members.join("\n")}\n}\n`;
}

/**
 * @param {string} name
 * @param {Node} node
 * @param {boolean} required
 * @param {boolean} input - whether callers pass the value; they may pass
 * undefined for an optional member, and a list that must not change
 */
function member(name, node, required, input) {
  const schema = resolve(node);
  const type = node.$type ?? typeOf(node, input);
  const head = comment([
    node.description ?? schema.description,
    input ? limits(schema) : undefined,
    schema.default === undefined ? undefined : `@default ${JSON.stringify(schema.default)}`,
  ]);
  return `${head}${name}${required ? "" : "?"}: ${type}${!required && input ? " | undefined" : ""};`;
}

/**
 * @param {Node} node
 * @param {boolean} input
 * @returns {string}
 */
export function typeOf(node, input) {
  const schema = resolve(node);
  const name = schemaName(node);
  const type = name && isNamed(schema) ? name : anonymous(schema, input);
  return schema.nullable ? `${type} | null` : type;
}

/**
 * @param {Node} schema
 * @param {boolean} input
 */
function anonymous(schema, input) {
  if (schema.enum) return union(schema);
  switch (schema.type) {
    case "string":
    case "boolean":
      return schema.type;
    case "integer":
    case "number":
      return "number";
    case "array":
      return `${input ? "readonly " : ""}(${typeOf(schema.items, input)})[]`;
    case "object":
      if (schema.additionalProperties === true) return "Record<string, unknown>";
      if (schema.additionalProperties?.type) {
        return `Record<string, ${typeOf(schema.additionalProperties, input)}>`;
      }
  }
  throw new Error(
    `the generator cannot express this schema; extend generator/types.js:\n${JSON.stringify(schema)}`,
  );
}

/** @param {Node} schema */
const union = (schema) =>
  schema.enum.map((/** @type {string} */ value) => JSON.stringify(value)).join(" | ");

/**
 * Returns the limits of a value in words.
 *
 * @param {Node} schema
 */
function limits({ type, minLength, maxLength, minimum, maximum, minItems, maxItems }) {
  if (type === "integer") return range(minimum, maximum, "");
  if (type === "array") return range(minItems, maxItems, " items");
  return range(minLength, maxLength, " characters");
}

/**
 * @param {number | undefined} least
 * @param {number | undefined} most
 * @param {string} unit
 */
function range(least, most, unit) {
  if (most === undefined || most >= 2 ** 31 - 1) return undefined;
  return least === undefined ? `Up to ${most}${unit}.` : `${least} to ${most}${unit}.`;
}

/** @param {string} name */
export const pascal = (name) => name.charAt(0).toUpperCase() + name.slice(1);

/**
 * Returns a documentation comment of paragraphs, or nothing.
 *
 * @param {(string | undefined)[]} paragraphs
 */
export function comment(paragraphs) {
  const text = paragraphs.filter(Boolean).join("\n\n").trim().replaceAll("*/", "*\\/");
  if (!text) return "";
  if (!text.includes("\n") && text.length < 90) return `/** ${text} */\n`;
  return `/**\n${text.replace(/^/gm, " * ")}\n */\n`.replaceAll(/ +$/gm, "");
}
