/** Makes a checkout ready to run: packages as locked, a Bun that starts, and the pages' assets. Plain Node, for there is no Bun yet. */
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const bun = join(root, 'node_modules/.bin/bun');

requireNode();
if (!packagesMatchLock()) {
  const quiet = ['--no-audit', '--no-fund', '--no-update-notifier', '--loglevel=error'];
  run('npm', ['ci', '--include=dev', ...quiet]);
}
requireBun();
if (!process.argv.includes('--packages-only')) run(bun, [join(root, 'tools/build-web.ts')]);

function requireNode() {
  if (Number.parseInt(process.versions.node, 10) >= 20) return;
  fail(`Apura needs Node 20 or later to set itself up; this is ${process.version}.`);
}

/** Compares the lock with the record that npm keeps of what it installed. */
function packagesMatchLock() {
  const record = join(root, 'node_modules/.package-lock.json');
  if (!existsSync(record)) return false;
  const installed = readPackages(record);
  const locked = readPackages(join(root, 'package-lock.json'));
  const missing = Object.entries(locked).some(([path, entry]) => {
    // The optional ones are builds for other systems; requireBun() finds out if ours is the one that misses.
    if (path === '' || (entry.optional && !(path in installed))) return false;
    return installed[path]?.integrity !== entry.integrity;
  });
  return !missing && Object.keys(installed).every((path) => path in locked);
}

function readPackages(file) {
  return JSON.parse(readFileSync(file, 'utf8')).packages;
}

/** Where npm was told to run no install scripts, Bun's own has not put its binary in place. */
function requireBun() {
  if (starts(bun)) return;
  spawnSync(process.execPath, [join(root, 'node_modules/bun/install.js')], { stdio: 'inherit' });
  if (starts(bun)) return;
  fail(
    `Bun does not start on this machine (${process.platform} ${process.arch}). ` +
      'Remove node_modules and run `make setup` again; if that does not help, `node_modules/.bin/bun --version` says why.',
  );
}

function starts(program) {
  return spawnSync(program, ['--version'], { stdio: 'ignore' }).status === 0;
}

function run(program, args) {
  const { status, error } = spawnSync(program, args, { cwd: root, stdio: 'inherit' });
  if (error) fail(`${program} could not be started: ${error.message}`);
  if (status !== 0) process.exit(status ?? 1);
}

function fail(words) {
  console.error(words);
  process.exit(1);
}
