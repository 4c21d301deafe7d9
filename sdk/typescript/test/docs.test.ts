// Editors show the documentation of a name when the pointer is over it.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fileURLToPath } from "node:url";
import ts from "typescript";

const entry = fileURLToPath(new URL("../../src/index.ts", import.meta.url));
const program = ts.createProgram([entry], { target: ts.ScriptTarget.ES2022, skipLibCheck: true });
const checker = program.getTypeChecker();
const exported = checker
  .getExportsOfModule(checker.getSymbolAtLocation(program.getSourceFile(entry)!)!)
  .map((symbol) =>
    symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol,
  );

test("every class, operation and option has documentation", () => {
  const generated = /generated\/types\.ts$/; // has what openapi.yaml describes
  const missing: string[] = [];
  let methods = 0;
  for (const symbol of exported) {
    const file = symbol.declarations?.[0]?.getSourceFile().fileName ?? "";
    if (generated.test(file) || symbol.name === "version") continue;
    const members = symbol.members ? [...symbol.members.values()] : [];
    for (const member of [symbol, ...members]) {
      const at = member.declarations?.[0];
      if (!at || ts.isConstructorDeclaration(at) || ts.isTypeParameterDeclaration(at)) continue;
      if (ts.getCombinedModifierFlags(at) & ts.ModifierFlags.Override) continue;
      if (ts.isPropertyDeclaration(at) && ts.isPrivateIdentifier(at.name)) continue;
      if (file.includes("resources")) methods++;
      if (member.getDocumentationComment(checker).length > 0) continue;
      missing.push(`${symbol.name}.${member.name}`);
    }
  }
  assert.deepEqual(missing, []);
  assert.ok(methods > 50);
});
