/** Runs parts of the bench one after another, each in an empty folder, and records what came out. */
import { mkdirSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { Part } from './part.ts';
import { ROOT } from './programs.ts';
import { figuresText, record, writeResultsPage } from './record.ts';

/** In the order of the page. */
const PAGE_ORDER = [
  'votes',
  'kafka',
  'rabbitmq',
  'log-size',
  'serve',
  'workers',
  'redis',
  'postgres-ledger',
  'report',
  'feed',
  'apart',
  'start',
  'pulses',
  'aggregate',
  'pulse-ledger-sqlite',
  'pulse-ledger-postgres',
  'peak',
  'soak',
  'soak-apart',
  'soak-pulses',
];

/** Runs the parts that the arguments name (if none, all that do not take minutes), and sets the exit code. */
export async function runParts(
  parts: readonly Part[],
  command: string,
  args: readonly string[],
): Promise<void> {
  const quick = args.includes('--quick');
  const named = args.filter((arg) => arg !== '--quick');
  const names = parts.map(({ name }) => name);
  const unknown = named.find((name) => !names.includes(name));
  if (unknown !== undefined) {
    console.error(`There is no ${unknown}. Usage: ${command} [--quick] [${names.join('|')}] …`);
    process.exitCode = 2;
    return;
  }
  const chosen = parts.filter(({ name, onlyByName }) =>
    named.length === 0 ? onlyByName !== true : named.includes(name),
  );
  for (const part of chosen) {
    console.log(`\n${part.title}`);
    // Not in /tmp, which may lie in memory: flushes are what is measured.
    const folder = join(ROOT, 'build/bench', part.name);
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    const result = await part.run({ quick, folder, say: (words) => console.log(`  ${words}`) });
    rmSync(folder, { recursive: true, force: true });
    console.log(`\n${figuresText(result.figures)}`);
    if (quick) continue;
    const line = named.length === 0 ? command : commandLine(named);
    console.log(`\n  ${await record(part, result, line)}`);
  }
  if (quick) {
    console.log('\nQuick: nothing was recorded.');
    return;
  }
  writeResultsPage(PAGE_ORDER);
  console.log('\nRecorded in bench/results and bench/RESULTS.md.');
}

/** The command that runs some parts alone; make takes no arguments. */
function commandLine(named: readonly string[]): string {
  const [, script = ''] = process.argv;
  return `node_modules/.bin/bun bench/${basename(script)} ${named.join(' ')}`;
}
