// In Node, `import` and `require` get the same classes, so that `instanceof`
// works however an error has got here.
export * from "./cjs/index.js";
