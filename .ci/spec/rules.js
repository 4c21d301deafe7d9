// The rules of this project: what every operation must declare, and how texts
// are worded. server/contract refuses to start without the declarations that it
// needs; these rules report a gap with its line while the document is written.

const fail = (ctx, key, message) => ctx.report({ message, location: key ? ctx.location.child([key]) : ctx.location });

/** An operation declares its names, who may call it, its rate limit and who may cache the response. */
function OperationDeclares() {
  const sdkNames = new Set();
  return {
    Operation(op, ctx) {
      for (const key of ['operationId', 'x-sdk', 'summary', 'description', 'security', 'x-rate-limit', 'x-cache']) {
        if (op[key] === undefined) fail(ctx, null, `An operation needs \`${key}\`.`);
      }
      if (op.tags?.length !== 1) fail(ctx, null, 'An operation needs exactly one tag.');
      if (op.operationId && !/^[A-Z][A-Za-z0-9]*$/.test(op.operationId)) {
        fail(ctx, 'operationId', '`operationId` must be a name in Go: letters and digits, starting with a capital letter.');
      }
      if (op['x-sdk'] && !/^[a-z][A-Za-z]*\.[a-z][A-Za-z]*$/.test(op['x-sdk'])) {
        fail(ctx, 'x-sdk', '`x-sdk` must be a resource and a method in camel case, such as articles.create.');
      }
      if (op['x-sdk'] && sdkNames.size === sdkNames.add(op['x-sdk']).size) {
        fail(ctx, 'x-sdk', '`x-sdk` must differ from that of every other operation.');
      }
      if (op['x-rate-limit'] && !['read', 'write', 'auth'].includes(op['x-rate-limit'])) {
        fail(ctx, 'x-rate-limit', '`x-rate-limit` must be read, write or auth.');
      }
      const cache = op['x-cache'];
      if (cache && cache.scope !== 'none' && !(['private', 'shared'].includes(cache.scope) && cache.maxAge >= 0)) {
        fail(ctx, 'x-cache', '`x-cache` must be {scope: none}, or {scope: private or shared, maxAge: <seconds>}.');
      }
      if (!!op.requestBody !== op['x-max-body'] > 0) {
        fail(ctx, null, 'An operation must have `x-max-body` if and only if it has a request body.');
      }
      if (op['x-unknown-query'] !== undefined && op['x-unknown-query'] !== 'report') {
        fail(ctx, 'x-unknown-query', '`x-unknown-query` is report, or left out to refuse unknown query parameters.');
      }
      if (op['x-refused'] && !(op.requestBody && Array.isArray(op['x-refused']))) {
        fail(ctx, 'x-refused', '`x-refused` must be a list of names, on an operation with a request body.');
      }
      if (op['x-safe'] !== undefined && op['x-safe'] !== true) fail(ctx, 'x-safe', '`x-safe` is true or left out.');
      if (op.deprecated && !(op['x-deprecated-at'] && op['x-sunset'])) {
        fail(ctx, 'deprecated', 'A deprecated operation needs `x-deprecated-at` and `x-sunset`.');
      }
    },
  };
}

/** A path names objects, and an operation says who may use them. */
function Targets() {
  const targets = (ctx, ...lists) =>
    lists
      .flatMap((list) => list ?? [])
      .map((p) => (p.$ref ? ctx.resolve(p).node : p))
      .filter((p) => p?.in === 'path')
      .map((p) => p['x-target'] ?? {});
  return {
    Parameter(parameter, ctx) {
      if (parameter.in === 'path' && typeof parameter['x-target']?.kind !== 'string') {
        fail(ctx, null, 'A path parameter needs `x-target: {kind: ...}` with a kind of lookups in api/targets.go.');
      }
      if (parameter.in !== 'path' && parameter['x-target']) fail(ctx, 'x-target', '`x-target` is for parameters in a path.');
    },
    PathItem(item, ctx) {
      for (const method of ['get', 'put', 'post', 'delete', 'patch']) {
        const op = item[method];
        if (!op) continue;
        const report = (key, message) => ctx.report({ message, location: ctx.location.child(key ? [method, key] : [method]) });
        const here = targets(ctx, item.parameters, op.parameters);
        if (here.length && !op.responses?.['404']) report('responses', 'The path names an object, and the operation does not say 404.');
        const owner = op['x-owner'];
        const signedIn = op.security?.length && op.security.every((scheme) => Object.keys(scheme).length);
        const decides = here.length && signedIn && !['moderator', 'editor', 'admin'].includes(op['x-role']) && !here.some((t) => t.private);
        if (decides && owner === undefined) {
          report(null, 'An operation on an object in its path needs `x-owner`: the kind of the object that only its owner may use, or none.');
        } else if (!decides && owner !== undefined) {
          report('x-owner', '`x-owner` is for operations with a token, without a moderator\'s role, on an object that is not private.');
        } else if (decides && owner !== 'none' && !here.some((t) => t.kind === owner)) {
          report('x-owner', '`x-owner` is none or the kind of an object in the path.');
        } else if (decides && owner !== 'none' && !op.responses?.['403']) {
          report('responses', 'The operation can answer 403 by `x-owner` and does not say so.');
        }
        if (op['x-safe'] && (method !== 'post' || op['x-rate-limit'] !== 'read')) {
          report('x-safe', '`x-safe` is for a POST with an `x-rate-limit` of read.');
        }
        if (method !== 'get' && op['x-rate-limit'] === 'read' && !op['x-safe']) {
          report('x-rate-limit', 'A read that is not a GET needs `x-safe: true`.');
        }
      }
    },
  };
}

/** An operation declares every status that the server can return before the operation runs. */
function OperationAnswers() {
  return {
    Operation(op, ctx) {
      const needed = ['400', '429', '500', '503'];
      if (op.requestBody) needed.push('413', '415', '422');
      else if (op['x-unknown-query'] !== 'report') needed.push('422'); // for a query parameter that it does not have
      if (op.security?.length && op.security.every((scheme) => Object.keys(scheme).length)) needed.push('401');
      if (op['x-cache'] && op['x-cache'].scope !== 'none') needed.push('304');
      for (const status of needed) {
        if (!op.responses?.[status]) ctx.report({ message: `The operation can return ${status} and must declare it.`, location: ctx.location.child(['responses']).key() });
      }
    },
  };
}

/** Every request and response body has an example. */
function Examples() {
  return {
    MediaType(media, ctx) {
      if (media.example === undefined && media.examples === undefined) fail(ctx, null, 'A body needs an example.');
    },
  };
}

/** A summary is a title: "List articles". */
function SummaryStyle() {
  return {
    Operation(op, ctx) {
      if (op.summary && !/^[A-Z][^\n]{2,58}[^\s.,:;!?]$/.test(op.summary)) {
        fail(ctx, 'summary', 'A summary must be one line of up to 60 characters that starts with a capital letter and has no full stop.');
      }
    },
  };
}

/** Descriptions of operations are sentences. Other descriptions are sentences, or a phrase without a full stop. */
function DescriptionStyle() {
  const sentences = /[.?!]\s+[A-Z`]/;
  const check = (sentence) => (node, ctx) => {
    const text = node?.description;
    if (text === undefined) return;
    if (typeof text !== 'string' || !/^[A-Z0-9`]/.test(text)) {
      fail(ctx, 'description', 'A description must start with a capital letter, a digit or code.');
    } else if (/\s$/.test(text)) {
      fail(ctx, 'description', 'A description must not end in white space (in YAML: `|-`).');
    } else if (sentence || sentences.test(text)) {
      if (!text.endsWith('.')) fail(ctx, 'description', 'Sentences must end with a full stop.');
    } else if (/[.,:;!]$/.test(text)) {
      fail(ctx, 'description', 'A phrase must not end with punctuation.');
    }
  };
  const phrase = check(false);
  return {
    Info: check(true),
    Operation: check(true),
    Header: phrase,
    Link: phrase,
    Parameter: phrase,
    RequestBody: phrase,
    Response: phrase,
    Schema: phrase,
    SecurityScheme: phrase,
    Server: phrase,
    Tag: phrase,
  };
}

/**
 * Schemas, their members, parameters and headers say more than their names. A
 * member says itself what it is, unless it refers to a schema of its own name.
 */
function Explained() {
  const fillers = ['a', 'an', 'the', 'this', 'of', 'in', 'its', 's', 'is'];
  const words = (text) => text.replace(/([a-z])([A-Z])/g, '$1 $2').toLowerCase().match(/[a-z0-9]+/g) ?? [];
  const explains = (text, ...names) => {
    const known = new Set([...fillers, ...names.flatMap(words)]);
    return typeof text === 'string' && words(text).some((w) => !known.has(w) && !known.has(w.replace(/s$/, '')));
  };
  const nameOf = (pointer) => pointer.split('/').pop();
  const check = (node, ctx, what, ...names) => {
    if (!explains(node.description, ...names)) fail(ctx, null, `${what} needs a description that says more than its name.`);
  };
  const checkMember = (name, member, owner, ctx) => {
    const report = (message) => ctx.report({ message: `\`${name}\` ${message}`, location: ctx.location.child(['properties', name]) });
    const resolve = (node) => (node.$ref ? ctx.resolve(node).node : node) ?? {};
    const node = resolve(member);
    if (!explains(node.description, name, owner)) {
      report('needs a description that says more than its name.');
    } else if (member.$ref && !nameOf(member.$ref).toLowerCase().endsWith(name.toLowerCase())) {
      report('refers to a schema of another name, and must say what it is: {allOf: [{$ref: ...}], description: ...}.');
    }
    const value = node.allOf?.length === 1 ? { ...resolve(node.allOf[0]), ...node } : node;
    if (['string', 'integer', 'number'].includes(value.type) && !value.enum && value.format !== 'date-time' && value.example === undefined) {
      report('needs an example.');
    }
  };
  return {
    NamedSchemas(schemas, ctx) {
      for (const [name, schema] of Object.entries(schemas)) {
        if (!explains(schema.description, name)) fail(ctx, name, `The schema \`${name}\` needs a description that says more than its name.`);
      }
    },
    Schema(schema, ctx) {
      const owner = nameOf(ctx.location.pointer);
      for (const [name, member] of Object.entries(schema.properties ?? {})) checkMember(name, member, owner, ctx);
    },
    Parameter(parameter, ctx) {
      check(parameter, ctx, 'A parameter', parameter.name, nameOf(ctx.location.pointer));
    },
    Header(header, ctx) {
      check(header, ctx, 'A header', nameOf(ctx.location.pointer));
    },
  };
}

export default function byline() {
  return {
    id: 'byline',
    rules: {
      oas3: {
        'operation-declares': OperationDeclares,
        'operation-answers': OperationAnswers,
        targets: Targets,
        examples: Examples,
        'summary-style': SummaryStyle,
        'description-style': DescriptionStyle,
        explained: Explained,
      },
    },
  };
}
