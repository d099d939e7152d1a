/** Makes dist/apura: the runtime, the program, its threads and the pages in one file that needs nothing beside it. */
import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export interface ExecutableOptions {
  /** The checkout: `src/main.ts`, `src/threads/*.ts` and `dist/web` are taken from it. */
  readonly root: string;
  readonly outfile: string;
}

/** Throws when a part is missing or does not bundle. */
export async function buildExecutable({ root, outfile }: ExecutableOptions): Promise<void> {
  const assets = join(root, 'dist/web');
  if (!existsSync(join(assets, 'manifest.json'))) {
    throw new Error('The web assets are not built: run `make setup`.');
  }
  const threads = await Array.fromAsync(new Bun.Glob('src/threads/*.ts').scan({ cwd: root }));
  const result = await Bun.build({
    entrypoints: [
      join(root, 'src/main.ts'),
      ...threads.filter((path) => !path.endsWith('.test.ts')).map((path) => join(root, path)),
    ],
    // With this root a thread is found inside the executable as it is in the checkout: at
    // new URL('./threads/<name>.ts', import.meta.url), written in a file directly in src/.
    root: join(root, 'src'),
    target: 'bun',
    sourcemap: 'inline',
    minify: { syntax: true, whitespace: true },
    throw: false,
    compile: {
      outfile,
      assets: [assets],
      // The settings are the documented variables and flags, not what lies in the folder it is started in.
      autoloadDotenv: false,
      autoloadBunfig: false,
    },
  });
  if (!result.success) throw new Error(result.logs.map(String).join('\n'));
}

if (import.meta.main) {
  const root = fileURLToPath(new URL('..', import.meta.url));
  const outfile = join(root, 'dist/apura');
  try {
    await buildExecutable({ root, outfile });
    console.log(`dist/apura  ${Math.round(statSync(outfile).size / 1e6)} MB`);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  }
}
