// Generated from openapi.yaml by generator/index.js; `make sdk` replaces it.

export const version = "0.1.0";
