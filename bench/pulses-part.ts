/**
 * Durable pulses against a no-op, by gRPC and by Connect: both servers on one CPU, the generator on the
 * other, round after round in turn, so that whatever else the machine does falls on both.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { Child } from './child.ts';
import {
  atLeast,
  bytes,
  count,
  type Figure,
  megabytes,
  milliseconds,
  noted,
  percent,
  perSecond,
  ratio,
  required,
} from './figure.ts';
import { measureFlushTimes } from './flush-times.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { peakRssBytes } from './process-figures.ts';
import { benchProgram, SERVER_CPU } from './programs.ts';
import { loadPulses, type PulseLoad, type PulseLoadResult } from './pulse-load.ts';
import { type FoldedPulses, foldPulseLog } from './pulse-log.ts';
import { highest, median } from './statistics.ts';

interface Way extends Pick<PulseLoad, 'protocol' | 'pulses' | 'connections' | 'callsEach'> {
  readonly name: string;
  readonly title: string;
  readonly perSecondMin: number;
  /** More than the goal; null where none is set. */
  readonly perSecondStretch: number | null;
}

const WAYS: readonly Way[] = [
  {
    ...{ name: 'grpc', title: 'by gRPC, 500 a call', protocol: 'grpc', pulses: 500 },
    ...{ connections: 8, callsEach: 8 },
    ...{ perSecondMin: 500_000, perSecondStretch: 1_000_000 },
  },
  {
    ...{ name: 'connect', title: 'by Connect, 500 a call', protocol: 'connect', pulses: 500 },
    ...{ connections: 64, callsEach: 1 },
    ...{ perSecondMin: 2_000_000, perSecondStretch: 5_000_000 },
  },
  {
    ...{ name: 'unary', title: 'by gRPC, one a call', protocol: 'grpc', pulses: 1 },
    ...{ connections: 8, callsEach: 32 },
    ...{ perSecondMin: 9_000, perSecondStretch: null },
  },
];
const SECONDS = 3;
const ROUNDS = 5;
/**
 * Until the runtime has made all of its code quick, on the CPU that the server has: behind 4 s Connect took
 * 1.4, 1.8, 2.4 and 2.3 million a second in four rounds of 3 s.
 */
const WARM_UP_SECONDS = 12;

interface Server {
  readonly child: Child;
  readonly grpcPort: number;
  readonly httpPort: number;
  readonly token: string;
}

interface Round {
  readonly noop: PulseLoadResult;
  readonly durable: PulseLoadResult;
}

interface Measured {
  readonly way: Way;
  readonly rounds: readonly Round[];
  readonly pulsesPerBlock: number;
  readonly blockBytes: number;
  readonly fileBytes: number;
  readonly peakBytes: number;
  /** In the log, each accepted and of the right sum. */
  readonly pulses: number;
}

async function startServer(file: string, argument: string): Promise<Server> {
  const child = new Child(benchProgram(file, argument), { cpu: SERVER_CPU });
  const [, grpc, http, token = ''] = await child.printed(/^ready (\d+) (\d+) (.*)$/m);
  return { child, grpcPort: Number(grpc), httpPort: Number(http), token };
}

async function measure(way: Way, { folder, quick, say }: PartRun): Promise<Measured> {
  const into = join(folder, way.name);
  mkdirSync(into);
  const durable = await startServer('pulse-server.ts', into);
  await using _durable = durable.child;
  const noop = await startServer('pulse-noop-server.ts', String(way.pulses));
  await using _noop = noop.child;
  const sent = { pulses: 0, sum: 0n };
  const load = (server: Server, seconds: number): Promise<PulseLoadResult> => {
    const { protocol, pulses, connections, callsEach } = way;
    const port = protocol === 'grpc' ? server.grpcPort : server.httpPort;
    const { token, child } = server;
    const told = { protocol, pulses, connections, callsEach, port, token, seconds };
    return loadPulses(told, child.pid);
  };
  const inTurn = async (seconds: number): Promise<Round> => {
    const round = { noop: await load(noop, seconds), durable: await load(durable, seconds) };
    sent.pulses += round.durable.pulses;
    sent.sum += BigInt(round.durable.sum);
    return round;
  };
  say(`${way.title}: warming up`);
  await inTurn(quick ? 1 : WARM_UP_SECONDS);
  const rounds: Round[] = [];
  while (rounds.length < (quick ? 1 : ROUNDS)) {
    const round = await inTurn(quick ? 1 : SECONDS);
    rounds.push(round);
    const [fast, kept] = [perSecond(round.noop.perSecond), perSecond(round.durable.perSecond)];
    say(`  ${kept} durable, ${fast} no-op`);
  }
  const peakBytes = peakRssBytes(durable.child.pid);
  await noop.child.stop();
  await durable.child.stop();
  say('  reading the log back');
  const folded = await foldPulseLog(into);
  rmSync(into, { recursive: true });
  refuseMiscount(sent, folded);
  return {
    way,
    rounds,
    pulsesPerBlock: folded.pulses / folded.blocks,
    blockBytes: folded.bytes / folded.pulses,
    fileBytes: folded.fileBytes / folded.pulses,
    peakBytes,
    pulses: folded.pulses,
  };
}

/** @throws where the log holds another number of pulses than were accepted, or another sum. */
function refuseMiscount(
  sent: { readonly pulses: number; readonly sum: bigint },
  { pulses, sum }: FoldedPulses,
): void {
  if (pulses === sent.pulses && sum === sent.sum) return;
  const said = `${sent.pulses} pulses of ${sent.sum} accepted, ${pulses} of ${sum} in the log`;
  throw new Error(`Accepted is not what lies in the log: ${said}.`);
}

function figuresOf(measured: Measured): Figure[] {
  const { way, rounds } = measured;
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const rate = of(({ durable }) => durable.perSecond);
  const micros = (contender: keyof Round): number => of((round) => round[contender].serverMicros);
  const digits = way.pulses === 1 ? 1 : 3;
  const loader = highest(
    rounds.flatMap((round) => Object.values(round).map(({ loaderPercent }) => loaderPercent)),
  );
  return [
    noted(`No-op ${way.title}`, perSecond(of(({ noop }) => noop.perSecond))),
    atLeast(`Durable pulses ${way.title}`, rate, way.perSecondMin, perSecond),
    ...(way.perSecondStretch === null
      ? []
      : [atLeast(`Further still: pulses ${way.title}`, rate, way.perSecondStretch, perSecond)]),
    noted(
      `Durable by no-op ${way.title}, median of rounds`,
      ratio(of(({ durable, noop }) => durable.perSecond / noop.perSecond)),
    ),
    noted(
      `p50 and p99 of a durable call ${way.title}`,
      `${milliseconds(of(({ durable }) => durable.p50Ms))}, ` +
        milliseconds(of(({ durable }) => durable.p99Ms)),
    ),
    noted(
      `CPU time of the server a pulse ${way.title}, no-op and durable`,
      `${micros('noop').toFixed(digits)} µs, ${micros('durable').toFixed(digits)} µs`,
    ),
    noted(
      `Log bytes a pulse ${way.title}, in blocks and on disk`,
      `${bytes(measured.blockBytes)}, ${bytes(measured.fileBytes)} ` +
        `(${count(measured.pulsesPerBlock)} pulses a block)`,
    ),
    noted(`Memory of the server ${way.title}, highest`, megabytes(measured.peakBytes)),
    noted(`Busiest round of the generator ${way.title}`, `${percent(loader)} of its core`),
  ];
}

async function run(part: PartRun): Promise<PartResult> {
  const flush = measureFlushTimes(part.folder);
  const measured: Measured[] = [];
  for (const way of WAYS) measured.push(await measure(way, part));
  const pulses = measured.reduce((all, one) => all + one.pulses, 0);
  return {
    figures: [
      noted(
        'Bare flush of 4 KiB, p50 and p99',
        `${milliseconds(flush.p50Ms)}, ${milliseconds(flush.p99Ms)}`,
      ),
      ...measured.flatMap(figuresOf),
      required('Accepted = in the log, in number and sum', `${count(pulses)} pulses`, true),
    ],
    details: { flush, measured },
  };
}

export const pulsesPart: Part = {
  name: 'pulses',
  title: 'A durable pulse against a no-op (doors and log alone)',
  method:
    'The doors of pulses with an API key, group commit and a power-safe SQLite log of one partition, with ' +
    'all their threads on one CPU; the generator, which does as little as it can, on the other. The ' +
    `no-op takes the same bytes in with the same runtime and answers as many. Warmed up for ${WARM_UP_SECONDS} s each; ` +
    'rounds alternate; every ' +
    'figure is the median of the rounds, the ratio is taken within each round. Each pulse has an id of ' +
    'its own (36 characters), tenant, SKU, unit, source, an amount of two decimals and no attributes. ' +
    'What was accepted is held against a fold of the whole log.',
  run,
};
