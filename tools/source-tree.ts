/** The files of the project as the house rules see them: texts by path, each parsed at most once. */
import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import ts from 'typescript';

/** Made by commands, or not ours. */
const SKIPPED_FOLDERS = new Set(
  '.git node_modules dist build coverage data generated __pycache__'.split(' '),
);

export class SourceTree {
  readonly #texts: ReadonlyMap<string, string>;
  readonly #parsed = new Map<string, ts.SourceFile>();

  /** Paths are relative to the root of the project, with `/`. */
  constructor(texts: Readonly<Record<string, string>>) {
    this.#texts = new Map(Object.entries(texts).sort(([a], [b]) => (a < b ? -1 : 1)));
  }

  static read(root: string): SourceTree {
    const texts: Record<string, string> = {};
    const walk = (folder: string): void => {
      for (const name of readdirSync(join(root, folder))) {
        if (SKIPPED_FOLDERS.has(name)) continue;
        const path = folder === '' ? name : `${folder}/${name}`;
        const file = join(root, path);
        if (statSync(file).isDirectory()) walk(path);
        // One char a byte: sizes stay true for pictures, and the rules that read words skip those.
        else texts[path] = readFileSync(file, isText(path) ? 'utf8' : 'latin1');
      }
    };
    walk('');
    return new SourceTree(texts);
  }

  /** Every path that the pattern matches, in order. */
  paths(pattern: RegExp): string[] {
    return [...this.#texts.keys()].filter((path) => pattern.test(path));
  }

  has(path: string): boolean {
    return this.#texts.has(path);
  }

  /** Throws when there is no such file. */
  text(path: string): string {
    const text = this.#texts.get(path);
    if (text === undefined) throw new Error(`there is no file ${path}`);
    return text;
  }

  parse(path: string): ts.SourceFile {
    const parsed =
      this.#parsed.get(path) ??
      ts.createSourceFile(path, this.text(path), ts.ScriptTarget.ESNext, true);
    this.#parsed.set(path, parsed);
    return parsed;
  }

  /** Every node of a file, parents before children. */
  *nodes(path: string): Generator<ts.Node> {
    const waiting: ts.Node[] = [this.parse(path)];
    for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
      yield node;
      const children: ts.Node[] = [];
      ts.forEachChild(node, (child) => {
        children.push(child);
      });
      waiting.push(...children.reverse());
    }
  }
}

export function isText(path: string): boolean {
  return !/\.(png|jpe?g|webp|gif|ico|woff2|gz|bin)$/.test(path);
}
