/** How fast the aggregation follows a log of pulses that is there already, by itself: no store holds it up. */
import { runToEnd } from './child.ts';
import { atLeast, count, noted, perSecond, required } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { benchProgram, SERVER_CPU } from './programs.ts';
import { tenantNames } from './pulse-template.ts';
import { median } from './statistics.ts';
import { writeSyntheticPulses } from './synthetic-pulses.ts';

/** What the worker tells at its end. */
export interface Aggregated {
  readonly pulses: number;
  readonly steps: number;
  /** Totals of usage windows that were handed on. */
  readonly windows: number;
  /** In whole numbers of 10^-18. */
  readonly sum: string;
  readonly elapsedMs: number;
  readonly cpuMicros: number;
}

const PULSES_PER_SECOND_MIN = 500_000;
const PULSES_PER_BLOCK = 4_000;
const TENANTS = 40;
const RUNS = 3;
const HOUR_MS = 3_600_000;

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const pulses = quick ? 400_000 : 6_000_000;
  say(`${count(pulses)} pulses`);
  const to = Date.now();
  const spec = {
    pulses,
    pulsesPerBlock: PULSES_PER_BLOCK,
    tenants: tenantNames(TENANTS),
    writer: 1,
    from: to - HOUR_MS,
    to,
  };
  const written = await writeSyntheticPulses(folder, spec);
  const runs: Aggregated[] = [];
  while (runs.length < (quick ? 1 : RUNS)) {
    const command = benchProgram('aggregate-worker.ts', folder);
    const told = JSON.parse(await runToEnd(command, { cpu: SERVER_CPU })) as Aggregated;
    if (told.pulses !== written.pulses || told.sum !== String(written.sum)) {
      throw new Error(
        `The aggregation miscounts: ${written.pulses} pulses, ${JSON.stringify(told)}`,
      );
    }
    runs.push(told);
    say(`  ${perSecond((told.pulses / told.elapsedMs) * 1_000)}`);
  }
  const rate = median(runs.map(({ elapsedMs }) => (written.pulses / elapsedMs) * 1_000));
  const micros = median(runs.map(({ cpuMicros }) => cpuMicros / written.pulses));
  return {
    figures: [
      atLeast('Aggregation from a filled log', rate, PULSES_PER_SECOND_MIN, perSecond),
      noted('CPU time a pulse', `${micros.toFixed(3)} µs`),
      noted('Pulses a step', count(written.pulses / (runs[0]?.steps ?? 1))),
      required('Handed on = written, in number and sum', `${count(written.pulses)} pulses`, true),
    ],
    details: { spec, bytes: written.bytes, runs },
  };
}

export const aggregatePart: Part = {
  name: 'aggregate',
  title: 'Aggregation of pulses from a filled log',
  method:
    `Blocks of ${count(PULSES_PER_BLOCK)} pulses of ${TENANTS} tenants and three SKUs, over an hour. The job of ` +
    '`apura aggregate` reads, decodes, adds up and hands on through its channel, in the steps that it has ' +
    'there, to a ledger that takes everything; a process pinned to one CPU, the median of the runs.',
  run,
};
