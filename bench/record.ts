/** The record of a measurement: a JSON file a part, and one page that is made from all of them. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { Figure } from './figure.ts';
import { commit, type Machine, machineOf, type Versions, versions } from './machine.ts';
import type { Part, PartResult } from './part.ts';
import { ROOT } from './programs.ts';

interface Record {
  readonly part: string;
  readonly title: string;
  readonly method: string;
  readonly command: string;
  /** RFC 3339, UTC. */
  readonly measuredAt: string;
  readonly commit: string;
  readonly machine: Machine;
  readonly versions: Versions;
  readonly figures: readonly Figure[];
  readonly details: PartResult['details'];
}

const FOLDER = `${ROOT}bench/results`;
const PAGE = `${ROOT}bench/RESULTS.md`;

const fileOf = (part: string): string => `${FOLDER}/${part}.json`;

/** Puts a part's figures in place of the ones recorded before; resolves to where, when and how, in words. */
export async function record(
  { name, title, method }: Part,
  { figures, details }: PartResult,
  command: string,
): Promise<string> {
  const made: Record = {
    part: name,
    title,
    method,
    command,
    measuredAt: new Date().toISOString(),
    commit: await commit(),
    machine: await machineOf(ROOT),
    versions: await versions(),
    figures,
    details,
  };
  mkdirSync(FOLDER, { recursive: true });
  writeFileSync(fileOf(name), `${JSON.stringify(made, rounded, 2)}\n`);
  return circumstances(made);
}

/** More digits than these are noise. */
function rounded(_key: string, value: unknown): unknown {
  if (typeof value === 'bigint') return String(value);
  return typeof value === 'number' ? Number(value.toPrecision(6)) : value;
}

/** Writes the page from every part's file, in the order of the names. */
export function writeResultsPage(parts: readonly string[]): void {
  const records = parts
    .filter((part) => existsSync(fileOf(part)))
    .map((part) => JSON.parse(readFileSync(fileOf(part), 'utf8')) as Record);
  const page = [
    '# Measured',
    '',
    'Made by `make bench` and `make bench-peak` from [results](results); how it is measured stands in',
    '[README.md](README.md). One machine, one run: compare figures of one table, not of two machines.',
    ...records.flatMap(section),
    '',
  ];
  writeFileSync(PAGE, page.join('\n'));
}

function section({ title, method, figures, ...run }: Record): string[] {
  return [
    '',
    `## ${title}`,
    '',
    '| | measured | goal | |',
    '| --- | --- | --- | --- |',
    ...figures.map(
      ({ what, measured, goal, met }) => `| ${what} | ${measured} | ${goal ?? ''} | ${mark(met)} |`,
    ),
    '',
    method,
    '',
    circumstances(run),
  ];
}

function circumstances(
  run: Pick<Record, 'command' | 'measuredAt' | 'commit' | 'versions' | 'machine'>,
): string {
  const { machine, versions } = run;
  return (
    `\`${run.command}\`, ${run.measuredAt.slice(0, 16).replace('T', ' ')} UTC, commit ${run.commit}, ` +
    `Bun ${versions.bun}, SQLite ${versions.sqlite}, ${versions.wrk}; ${machine.cpu}, ` +
    `${machine.cores} cores, ${Math.round(machine.memoryBytes / 2 ** 30)} GiB, ${machine.kernel}, ` +
    `disk ${machine.disk}.`
  );
}

function mark(met: boolean | null): string {
  if (met === null) return '';
  return met ? 'yes' : '**no**';
}

/** The figures for a person at a terminal. */
export function figuresText(figures: readonly Figure[]): string {
  const width = Math.max(...figures.map(({ what }) => what.length));
  return figures
    .map(({ what, measured, goal, met }) => {
      const verdict = met === null ? '' : `   goal ${goal}: ${met ? 'met' : 'NOT MET'}`;
      return `  ${what.padEnd(width)}   ${measured}${verdict}`;
    })
    .join('\n');
}
