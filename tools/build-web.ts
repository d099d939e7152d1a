/** Bundles the pages' scripts and styles into dist/web, each under a name that carries its content's hash. */
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

/** What the pages load. Each script or style is one file: a voter on a phone pays for every request. */
const ENTRIES = [
  'web/vote/vote.ts',
  'web/vote/vote.css',
  'web/console/console.tsx',
  'web/console/console.css',
  'web/report/report.css',
];

/** Files that /docs serves as they were published. */
const COPIES = [
  'node_modules/swagger-ui-dist/swagger-ui.css',
  'node_modules/swagger-ui-dist/swagger-ui-bundle.js',
];

/** Remembers what a build was made from, so that the next one can be skipped. */
const INPUTS_FILE = '.inputs';

export interface WebBuild {
  readonly outcome: 'built' | 'unchanged';
  /** From `vote.js` to `vote-<hash>.js`. */
  readonly manifest: Readonly<Record<string, string>>;
}

export interface WebBuildOptions {
  readonly root: string;
  readonly outdir: string;
  readonly entries?: readonly string[];
  readonly copies?: readonly string[];
}

/** Throws when an entry is missing or does not bundle; the output folder then stays as it was. */
export async function buildWeb(options: WebBuildOptions): Promise<WebBuild> {
  const { root, outdir, entries = ENTRIES, copies = COPIES } = options;
  const missing = [...entries, ...copies].filter((path) => !existsSync(join(root, path)));
  if (missing.length > 0) throw new Error(`The web build misses ${missing.join(', ')}.`);

  const inputs = await digestInputs(root, [...entries, ...copies]);
  const previous = readPrevious(outdir, inputs);
  if (previous !== null) return { outcome: 'unchanged', manifest: previous };

  const outputs = new Map<string, Uint8Array>();
  for (const entry of entries) outputs.set(logicalName(entry), await bundle(join(root, entry)));
  for (const path of copies) outputs.set(basename(path), readFileSync(join(root, path)));

  // A server that starts during a build must see the old folder or the new one, never half of one.
  const staging = `${outdir}.${process.pid}`;
  rmSync(staging, { recursive: true, force: true });
  mkdirSync(staging, { recursive: true });
  const manifest: Record<string, string> = {};
  for (const [name, bytes] of outputs) {
    const file = hashedName(name, bytes);
    manifest[name] = file;
    writeFileSync(join(staging, file), bytes);
    const packed = gzipSync(bytes, { level: 9 });
    if (packed.byteLength < bytes.byteLength) writeFileSync(join(staging, `${file}.gz`), packed);
  }
  writeFileSync(join(staging, 'manifest.json'), `${JSON.stringify(manifest, null, 2)}\n`);
  writeFileSync(join(staging, INPUTS_FILE), inputs);
  rmSync(outdir, { recursive: true, force: true });
  mkdirSync(dirname(outdir), { recursive: true });
  renameSync(staging, outdir);
  return { outcome: 'built', manifest };
}

async function bundle(entry: string): Promise<Uint8Array> {
  const result = await Bun.build({
    entrypoints: [entry],
    target: 'browser',
    format: 'esm',
    minify: true,
    jsx: { runtime: 'automatic', importSource: 'preact' },
    define: { 'process.env.NODE_ENV': '"production"' },
    throw: false,
  });
  const [output, ...others] = result.outputs;
  if (!result.success || output === undefined) {
    throw new Error(`${entry} does not bundle:\n${result.logs.map(String).join('\n')}`);
  }
  if (others.length > 0) {
    const names = others.map((other) => other.path).join(', ');
    throw new Error(`${entry} must bundle into one file, but also makes ${names}.`);
  }
  return new Uint8Array(await output.arrayBuffer());
}

function logicalName(entry: string): string {
  const extension = extname(entry);
  return `${basename(entry, extension)}${extension === '.css' ? '.css' : '.js'}`;
}

function hashedName(name: string, bytes: Uint8Array): string {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 12);
  const extension = extname(name);
  return `${basename(name, extension)}-${hash}${extension}`;
}

/** Covers all that can change the outcome: the pages' sources, every installed version, and this file. */
async function digestInputs(root: string, named: readonly string[]): Promise<string> {
  const glob = new Bun.Glob('web/**/*.{ts,tsx,css,json,svg}');
  const sources = await Array.fromAsync(glob.scan({ cwd: root }));
  const paths = new Set([...named, ...sources, 'package-lock.json']);
  const hash = createHash('sha256')
    .update(Bun.version)
    .update(readFileSync(import.meta.path));
  for (const path of [...paths].sort()) {
    const file = join(root, path);
    if (existsSync(file)) hash.update(`${path}\0`).update(readFileSync(file));
  }
  return hash.digest('hex');
}

function readPrevious(outdir: string, inputs: string): Record<string, string> | null {
  const inputsFile = join(outdir, INPUTS_FILE);
  if (!existsSync(inputsFile) || readFileSync(inputsFile, 'utf8') !== inputs) return null;
  const manifest: Record<string, string> = JSON.parse(
    readFileSync(join(outdir, 'manifest.json'), 'utf8'),
  );
  const intact = Object.values(manifest).every((file) => existsSync(join(outdir, file)));
  return intact ? manifest : null;
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  try {
    const { outcome, manifest } = await buildWeb({ root, outdir: join(root, 'dist/web') });
    if (outcome === 'built') {
      for (const file of Object.values(manifest)) {
        const bytes = readFileSync(join(root, 'dist/web', file));
        console.log(`dist/web/${file}  ${gzipSync(bytes, { level: 9 }).byteLength} bytes gzip`);
      }
    }
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
