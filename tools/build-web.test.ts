/** Proves that the web build is complete, is skipped only when nothing changed, and never leaves half a folder. */
import { afterAll, beforeEach, describe, expect, test } from 'bun:test';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { buildWeb } from './build-web.ts';

const folder = mkdtempSync(join(tmpdir(), 'apura-build-web-'));
const outdir = join(folder, 'dist/web');
const options = {
  root: folder,
  outdir,
  entries: ['web/page.ts', 'web/page.css'],
  copies: ['lib.js'],
};

function write(path: string, text: string): void {
  mkdirSync(join(folder, path, '..'), { recursive: true });
  writeFileSync(join(folder, path), text);
}

beforeEach(() => {
  rmSync(folder, { recursive: true, force: true });
  write('web/page.ts', "import { word } from './word.ts';\ndocument.title = word;\n");
  write('web/word.ts', `export const word: string = '${'hello '.repeat(50)}';\n`);
  write('web/page.css', 'body { margin: 0; }\n');
  write('lib.js', 'globalThis.lib = 1;\n');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('buildWeb', () => {
  test('bundles every entry into one file whose name carries its hash', async () => {
    const { outcome, manifest } = await buildWeb(options);
    expect(outcome).toBe('built');
    expect(Object.keys(manifest)).toEqual(['page.js', 'page.css', 'lib.js']);
    expect(manifest['page.js']).toMatch(/^page-[0-9a-f]{12}\.js$/);
    const script = readFileSync(join(outdir, manifest['page.js'] ?? ''), 'utf8');
    expect(script).toContain('hello');
    expect(script).not.toContain('import');
    expect(JSON.parse(readFileSync(join(outdir, 'manifest.json'), 'utf8'))).toEqual(manifest);
  });

  test('packs a file beside it when that makes it smaller', async () => {
    const { manifest } = await buildWeb(options);
    const script = join(outdir, manifest['page.js'] ?? '');
    expect(gunzipSync(readFileSync(`${script}.gz`))).toEqual(readFileSync(script));
    expect(existsSync(join(outdir, `${manifest['page.css']}.gz`))).toBe(false);
  });

  test('does nothing when no input changed', async () => {
    const first = await buildWeb(options);
    expect(await buildWeb(options)).toEqual({ outcome: 'unchanged', manifest: first.manifest });
  });

  test('builds again when a file that an entry imports changed, and drops the old outputs', async () => {
    const first = await buildWeb(options);
    write('web/word.ts', "export const word: string = 'other';\n");
    const second = await buildWeb(options);
    expect(second.outcome).toBe('built');
    expect(second.manifest['page.js']).not.toBe(first.manifest['page.js']);
    expect(readdirSync(outdir)).not.toContain(first.manifest['page.js'] ?? '');
  });

  test('builds again when an output was deleted', async () => {
    const { manifest } = await buildWeb(options);
    rmSync(join(outdir, manifest['page.css'] ?? ''));
    expect((await buildWeb(options)).outcome).toBe('built');
  });

  test('names a missing entry, and keeps the folder of the last good build', async () => {
    const { manifest } = await buildWeb(options);
    rmSync(join(folder, 'web/page.css'));
    await expect(buildWeb(options)).rejects.toThrow('web/page.css');
    expect(existsSync(join(outdir, manifest['page.css'] ?? ''))).toBe(true);
  });

  test('names an entry that does not bundle', async () => {
    write('web/page.ts', "import { absent } from './absent.ts';\nabsent();\n");
    await expect(buildWeb(options)).rejects.toThrow('page.ts does not bundle');
  });
});
