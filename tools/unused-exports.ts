/** Finds exports that no other file imports: code that is dead, or an `export` that promises too much. */
import { posix } from 'node:path';
import ts from 'typescript';
import type { SourceTree } from './source-tree.ts';

export interface UnusedExport {
  readonly path: string;
  readonly line: number;
  readonly name: string;
}

/** Stands for every export of a file, as `import * as x` and `import()` take them. */
const ALL = '*';

const SOURCES = /^(src|web|test|tools|bench)\/.*\.tsx?$/;

/**
 * Works on text alone, which the conventions allow: imports name their file with its extension, exports have
 * names, and nothing is exported on from an index file.
 */
export function findUnusedExports(tree: SourceTree): UnusedExport[] {
  const paths = tree.paths(SOURCES);
  const imported = new Map<string, Set<string>>();
  for (const path of paths) {
    for (const [target, name] of importsOf(tree, path)) {
      const names = imported.get(target) ?? new Set();
      imported.set(target, names.add(name));
    }
  }
  return paths.flatMap((path) => {
    const names = imported.get(path) ?? new Set();
    if (names.has(ALL)) return [];
    return exportsOf(tree, path)
      .filter(({ name, isShape }) => {
        if (names.has(name)) return false;
        // A shape that an exported function takes or gives is part of that promise, imported or not.
        return !(isShape && countIdentifier(tree, path, name) > 1);
      })
      .map(({ name, line }) => ({ path, line, name }));
  });
}

function* importsOf(tree: SourceTree, path: string): Generator<[target: string, name: string]> {
  for (const node of tree.nodes(path)) {
    if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) {
      const target = resolve(path, node.moduleSpecifier);
      if (target === null) continue;
      for (const name of namesTaken(node)) yield [target, name];
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const target = resolve(path, node.arguments[0]);
      if (target !== null) yield [target, ALL];
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      const target = resolve(path, node.argument.literal);
      if (target !== null) yield [target, ALL];
    }
  }
}

function namesTaken(node: ts.ImportDeclaration | ts.ExportDeclaration): string[] {
  const bindings = ts.isImportDeclaration(node)
    ? node.importClause?.namedBindings
    : node.exportClause;
  if (bindings === undefined) return ts.isExportDeclaration(node) ? [ALL] : [];
  if (ts.isNamespaceImport(bindings) || ts.isNamespaceExport(bindings)) return [ALL];
  return bindings.elements.map((element) => (element.propertyName ?? element.name).text);
}

function resolve(from: string, specifier: ts.Node | undefined): string | null {
  if (specifier === undefined || !ts.isStringLiteralLike(specifier)) return null;
  if (!specifier.text.startsWith('.')) return null;
  return posix.join(posix.dirname(from), specifier.text);
}

interface Export {
  readonly name: string;
  readonly line: number;
  /** A type, an interface or a class: something that signatures speak of. */
  readonly isShape: boolean;
}

function exportsOf(tree: SourceTree, path: string): Export[] {
  const source = tree.parse(path);
  const found: Export[] = [];
  const add = (name: ts.Node, isShape: boolean): void => {
    const line = source.getLineAndCharacterOfPosition(name.getStart(source)).line + 1;
    found.push({ name: name.getText(source), line, isShape });
  };
  for (const statement of source.statements) {
    if (ts.isExportDeclaration(statement)) {
      const clause = statement.exportClause;
      if (clause === undefined || !ts.isNamedExports(clause)) continue;
      for (const element of clause.elements) add(element.name, statement.isTypeOnly);
      continue;
    }
    const modifiers = ts.canHaveModifiers(statement) ? ts.getModifiers(statement) : undefined;
    if (!modifiers?.some((modifier) => modifier.kind === ts.SyntaxKind.ExportKeyword)) continue;
    if (ts.isVariableStatement(statement)) {
      for (const declaration of statement.declarationList.declarations)
        add(declaration.name, false);
    } else if (ts.isFunctionDeclaration(statement) && statement.name) {
      add(statement.name, false);
    } else if (ts.isClassDeclaration(statement) && statement.name) {
      add(statement.name, true);
    } else if (ts.isInterfaceDeclaration(statement) || ts.isTypeAliasDeclaration(statement)) {
      add(statement.name, true);
    }
  }
  return found;
}

function countIdentifier(tree: SourceTree, path: string, name: string): number {
  let count = 0;
  for (const node of tree.nodes(path)) if (ts.isIdentifier(node) && node.text === name) count += 1;
  return count;
}
