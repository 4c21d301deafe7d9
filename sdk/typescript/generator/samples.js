/**
 * Writes the examples of the documentation of each method, from the examples of
 * openapi.yaml.
 *
 * @module
 */
import { format } from "prettier";
import { resolve } from "./document.js";

/** @typedef {import("./document.js").Operation} Operation */

/**
 * Returns a call of an operation, as a caller would write it.
 *
 * @param {Operation} operation
 */
export function sample(operation) {
  const { name, result } = operation;
  const call = `byline.${name}(${args(operation).join(", ")})`;
  switch (result.kind) {
    case "nothing":
      return pretty(`await ${call};`);
    case "text":
      return pretty(`const text = await ${call};`);
    case "stream":
      return pretty(`for await (const record of ${call}) {\nconsole.log(record.type);\n}`);
    case "page":
      return pretty(
        `for await (const ${singular(result.member)} of ${call}) {\nconsole.log(${singular(result.member)});\n}`,
      );
    case "member":
      return pretty(`const ${result.member} = await ${call};`);
    case "whole":
      return pretty(`const { ${wholeMembers(operation).join(", ")} } = await ${call};`);
  }
}

/** @param {Operation} update */
export function editSample({ body, method, pathParams, resource, result }) {
  const keys = pathParams.map((param) => JSON.stringify(param.example)).join(", ");
  const change = JSON.stringify(body?.example);
  return pretty(
    `const ${result.member} = await byline.${resource}.${method.replace(/^update/, "edit")}(${keys}, (${result.member}) => (${change}));`,
  );
}

/**
 * @param {Operation} operation
 * @returns {string[]}
 */
function args({ body, pathParams, query }) {
  const path = pathParams.map((param) => JSON.stringify(param.example));
  if (body) return [...path, JSON.stringify(body.example)];
  // The sample of a list shows how to filter it.
  const filter = query.find(
    ({ example, name }) => example !== undefined && !["limit", "offset"].includes(name),
  );
  return filter && pathParams.length === 0
    ? [JSON.stringify({ [filter.name]: filter.example })]
    : path;
}

/** @param {Operation} operation */
const wholeMembers = ({ result }) => Object.keys(resolve(result.schema).properties).slice(0, 2);

/** @param {string} list */
const singular = (list) => ({ entries: "entry", hidden: "item" })[list] ?? list.replace(/s$/, "");

/** @param {string} code */
const pretty = (code) => format(code, { parser: "typescript", printWidth: 80 });
