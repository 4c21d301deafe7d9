/**
 * Reads openapi.yaml.
 *
 * @module
 */
import { readFileSync } from "node:fs";
import { parse } from "yaml";

/** @typedef {Record<string, any>} Node A node of the document. */

const file = new URL("../../../openapi.yaml", import.meta.url);

/** @type {Node} */
export const document = parse(readFileSync(file, "utf8"), described);

/**
 * Lets a description stand beside a reference, as OpenAPI 3.1 does. In OpenAPI
 * 3.0 the reference is the only element of `allOf`, because a parser may ignore
 * what stands beside it.
 *
 * @param {unknown} _
 * @param {any} node
 */
function described(_, node) {
  if (!node?.allOf) return node;
  const { allOf, description, ...others } = node;
  if (allOf.length !== 1 || !allOf[0].$ref || Object.keys(others).length > 0) {
    throw new Error(
      `the generator knows allOf only for the description of a reference: ${JSON.stringify(node)}`,
    );
  }
  return { ...allOf[0], description };
}

/**
 * Returns the node that a node refers to, or the node itself.
 *
 * @param {Node} node
 * @returns {Node}
 */
export function resolve(node) {
  if (!node.$ref) return node;
  /** @type {string[]} */
  const steps = node.$ref.split("/").slice(1);
  return resolve(steps.reduce((at, step) => at[step], document));
}

/**
 * Returns the name of the schema that a node refers to, or undefined.
 *
 * @param {Node} node
 * @returns {string | undefined}
 */
export const schemaName = (node) => node.$ref?.match(/^#\/components\/schemas\/(\w+)$/)?.[1];

/**
 * Returns the operations that the SDK offers, in the order of the document.
 *
 * @returns {Operation[]}
 */
export function operations() {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item).flatMap(([method, node]) =>
      methods(node).map((variant) => describe(path, method.toUpperCase(), variant)),
    ),
  );
}

/**
 * Returns the operation once for each of its methods. With x-sdk-page, the first
 * method takes no query and returns the list; the other one takes the query and
 * returns the whole response.
 *
 * @param {Node} node
 * @returns {Node[]}
 */
function methods(node) {
  if (!node["x-sdk-page"]) return [node];
  const parameters = node.parameters.filter(
    (/** @type {Node} */ param) => resolve(param).in !== "query",
  );
  return [
    { ...node, parameters, returns: "member" },
    { ...node, "x-sdk": node["x-sdk-page"], returns: "whole" },
  ];
}

/**
 * @typedef {object} Operation
 * @property {string} id - as in openapi.yaml
 * @property {string} name - such as articles.create
 * @property {string} resource
 * @property {string} method - the name of the method in the SDK
 * @property {string} verb
 * @property {string} path
 * @property {Node} node
 * @property {Node[]} pathParams
 * @property {Node[]} query
 * @property {Body | undefined} body
 * @property {Result} result
 * @property {boolean} conditional - whether it accepts If-Match
 */

/**
 * @typedef {object} Body
 * @property {Node} schema - the schema of what the caller passes
 * @property {string | undefined} member - the only member of the body, which
 * contains what the caller passes
 * @property {Node} example
 * @property {boolean} required
 */

/**
 * The response of a success. A page has items, perhaps their total number, and
 * the cursor of the next page; a stream has records. Of any other response with
 * a single member, the caller gets that member.
 *
 * @typedef {object} Result
 * @property {"nothing" | "text" | "stream" | "page" | "member" | "whole"} kind
 * @property {Node} schema - of the items, the records, the member or the whole
 * @property {string} member - a member that each such response contains
 * @property {string | undefined} total - the member with the number of items
 */

/**
 * @param {string} path
 * @param {string} verb
 * @param {Node} node
 * @returns {Operation}
 */
function describe(path, verb, node) {
  const params = (node.parameters ?? []).map(resolve);
  const [resource, method] = node["x-sdk"].split(".");
  /** @param {string} place */
  const inside = (place) => params.filter((/** @type {Node} */ param) => param.in === place);
  return {
    id: node.operationId,
    name: node["x-sdk"],
    resource,
    method,
    verb,
    path,
    node,
    pathParams: inside("path"),
    query: inside("query"),
    body: node.requestBody && bodyOf(resolve(node.requestBody)),
    result: resultOf(node),
    conditional: inside("header").some((/** @type {Node} */ param) => param.name === "If-Match"),
  };
}

/**
 * @param {Node} requestBody
 * @returns {Body}
 */
function bodyOf({ content, required }) {
  const { schema, example } = content["application/json"];
  const [only, another] = Object.entries(resolve(schema).properties);
  if (!only || another || resolve(only[1]).type !== "object") {
    return { schema, member: undefined, example, required };
  }
  const [member, inner] = only;
  return { schema: inner, member, example: example[member], required };
}

/**
 * @param {Node} node
 * @returns {Result}
 */
function resultOf(node) {
  const [, response] = Object.entries(node.responses).find(([status]) => /^2/.test(status)) ?? [];
  const content = resolve(response).content;
  const none = { schema: {}, member: "", total: undefined };
  if (!content) return { ...none, kind: "nothing" };
  if (content["text/plain"]) {
    return { ...none, kind: "text", schema: content["text/plain"].schema };
  }
  if (content["application/x-ndjson"]) {
    return { ...none, kind: "stream", schema: content["application/x-ndjson"].schema };
  }
  const { schema } = content["application/json"];
  const { properties, required } = resolve(schema);
  /** @type {[string, Node][]} */
  const members = Object.entries(properties);
  const [member, first] = members[0] ?? ["", {}];
  if (node.returns === "member") {
    return { kind: "member", schema: first, member, total: undefined };
  }
  if (properties.nextCursor && node.returns !== "whole") {
    const total = members.find(([, value]) => value.type === "integer")?.[0];
    return { kind: "page", schema: resolve(first).items, member, total };
  }
  if (members.length === 1) return { kind: "member", schema: first, member, total: undefined };
  return { kind: "whole", schema, member: required[0], total: undefined };
}
