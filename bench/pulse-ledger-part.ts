/** What the pulse ledger takes and answers on top of ten million pulses, on SQLite or on Postgres. */
import { join } from 'node:path';
import { openPostgresPulseLedger } from '../src/adapters/postgres/pulse-ledger.ts';
import { openSqlitePulseLedger } from '../src/adapters/sqlite/pulse-ledger.ts';
import { type Granularity, usageBounds } from '../src/domain/metering/usage-bounds.ts';
import type { PulseLedger } from '../src/ports/pulse-ledger.ts';
import {
  atLeast,
  atMost,
  count,
  type Figure,
  milliseconds,
  noted,
  perSecond,
  required,
  seconds,
} from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { FED_STEP_PULSES, type FedPulses, PulseFeeder } from './pulse-feeder.ts';
import { tenantName, tenantNames } from './pulse-template.ts';
import { startBenchPostgres } from './servers.ts';
import { highest, median, percentile } from './statistics.ts';

const TENANTS = 40;
const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;
/** Where days begin at one hour of UTC and at another, and at three past midnight of UTC. */
const BERLIN = 'Europe/Berlin';
const SAO_PAULO = 'America/Sao_Paulo';
const ROWS_MAX = 1_000_000;
/** What comes on top is of these minutes, as what a worker finds in its log. */
const LIVE_MS = 600_000;

const QUESTIONS = [
  { name: 'day by hour', granularity: 'PT1H', days: 1, times: 200, zone: BERLIN },
  { name: 'month by day', granularity: 'P1D', days: 30, times: 200, zone: BERLIN },
  { name: 'year by day', granularity: 'P1D', days: 364, times: 200, zone: SAO_PAULO },
  { name: 'year by day in Berlin', granularity: 'P1D', days: 364, times: 200, zone: BERLIN },
  { name: 'year by month', granularity: 'P1M', days: 364, times: 200, zone: BERLIN },
] as const satisfies readonly {
  readonly granularity: Granularity;
  readonly [more: string]: unknown;
}[];
const USAGE_MS_MAX = 50;

interface Store {
  readonly name: string;
  readonly title: string;
  readonly partitions: number;
  /** Partitions that commit at once. */
  readonly lanes: number;
  readonly perSecondMin: number;
}

const SQLITE: Store = {
  ...{ name: 'pulse-ledger-sqlite', title: 'SQLite' },
  ...{ partitions: 1, lanes: 1, perSecondMin: 150_000 },
};
const POSTGRES: Store = {
  ...{ name: 'pulse-ledger-postgres', title: 'Postgres' },
  ...{ partitions: 12, lanes: 2, perSecondMin: 60_000 },
};

interface Asked {
  readonly question: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly rows: number;
}

interface Measured {
  readonly store: Store;
  readonly fill: Omit<FedPulses, 'commits'> & { readonly elapsedMs: number };
  readonly live: FedPulses;
  readonly asked: readonly Asked[];
}

async function ask(ledger: PulseLedger, end: number, quick: boolean): Promise<readonly Asked[]> {
  const asked: Asked[] = [];
  for (const { name, granularity, days, times, zone } of QUESTIONS) {
    const took: number[] = [];
    let rows = 0;
    for (let time = 0; time < (quick ? 5 : times); time += 1) {
      // Another tenant each time, and other days as far as the year has them.
      const to = end - ((time * 7) % (365 - days)) * DAY_MS;
      const filter = { tenant: tenantName(time % TENANTS), sku: null, unit: null };
      const span = { from: to - days * DAY_MS, to };
      const startedAt = performance.now();
      const bounds = usageBounds(span.from, span.to, granularity, zone);
      if (bounds === null) throw new Error('Too many windows.');
      rows = (await ledger.usage({ ...filter, ...span }, bounds, ROWS_MAX)).length;
      took.push(performance.now() - startedAt);
    }
    const [p50Ms, p99Ms] = [median(took), percentile(took, 99)];
    asked.push({ question: name, p50Ms, p99Ms, rows });
  }
  return asked;
}

/** @throws where the ledger's usage is not what was fed. */
async function refuseMiscount(
  ledger: PulseLedger,
  fed: readonly FedPulses[],
  from: number,
  to: number,
): Promise<void> {
  const all = { tenant: null, sku: null, unit: null, from, to };
  const rows = await ledger.usage(all, [from, to], ROWS_MAX);
  const counted = rows.reduce((sum, row) => sum + row.count, 0);
  const added = rows.reduce((sum, row) => sum + row.sum, 0n);
  const pulses = fed.reduce((sum, one) => sum + one.pulses, 0);
  const sum = fed.reduce((total, one) => total + one.sum, 0n);
  if (counted === pulses && added === sum) return;
  throw new Error(
    `The ledger tells of ${counted} pulses and ${added}, fed were ${pulses}, ${sum}.`,
  );
}

async function measure(store: Store, ledger: PulseLedger, part: PartRun): Promise<Measured> {
  const { quick, say } = part;
  const [base, more] = quick ? [400_000, 100_000] : [10_000_000, 2_000_000];
  const end = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const begin = end - 365 * DAY_MS;
  const tenants = tenantNames(TENANTS);
  const feeder = new PulseFeeder(ledger, store.partitions, store.lanes);
  await feeder.start();
  say(`filling it with ${count(base)} pulses of a year`);
  const filledFrom = performance.now();
  const year = { pulses: base, tenants, writer: 1, from: begin, to: end };
  const fill = await feeder.feed(year);
  const elapsedMs = performance.now() - filledFrom;
  say(`  ${count(more)} pulses on top`);
  const minutes = { pulses: more, tenants, writer: 2, from: end, to: end + LIVE_MS };
  const live = await feeder.feed(minutes);
  say('  asking for usage');
  const asked = await ask(ledger, end, quick);
  await refuseMiscount(ledger, [fill, live], begin, end + HOUR_MS);
  const { commits: _, ...filled } = fill;
  return { store, fill: { ...filled, elapsedMs }, live, asked };
}

function figuresOf({ store, fill, live, asked }: Measured): Figure[] {
  const { perSecondMin } = store;
  const steps = [median(live.commits), percentile(live.commits, 99), highest(live.commits)];
  return [
    noted(
      `Filling it with ${count(fill.pulses)} pulses of a year`,
      seconds(fill.elapsedMs / 1_000),
    ),
    atLeast(
      'Steps on top of them, pulses',
      (live.pulses / live.committingMs) * 1_000,
      perSecondMin,
      perSecond,
    ),
    noted('A step, p50, p99 and longest', steps.map(milliseconds).join(', ')),
    noted(
      'CPU time of the worker in commits, a pulse',
      `${(live.cpuMicros / live.pulses).toFixed(2)} µs`,
    ),
    ...asked.flatMap(({ question, p50Ms, p99Ms }) => [
      noted(`Usage of a tenant's ${question}, p50`, milliseconds(p50Ms)),
      atMost(`Usage of a tenant's ${question}, p99`, p99Ms, USAGE_MS_MAX, milliseconds),
    ]),
  ];
}

function partOf(
  store: Store,
  method: string,
  withLedger: (
    part: PartRun,
    work: (ledger: PulseLedger) => Promise<Measured>,
  ) => Promise<Measured>,
): Part {
  return {
    name: store.name,
    title: `The pulse ledger on ${store.title} over ten million pulses`,
    onlyByName: true,
    method:
      `Steps of ${count(FED_STEP_PULSES)} pulses, decoded and added up beforehand, a dozen at a time, then committed: ` +
      `first a year of ${TENANTS} tenants with three SKUs each, used in every quarter of an hour, then minutes of now, ` +
      `which are what is measured: keys, pulses and windows in one flushed transaction a step. ${method} Then usage is ` +
      `asked for in the time zone ${BERLIN} (a year by day in ${SAO_PAULO}, too), of one tenant after the other. ` +
      'A tenant’s pulses lie in the partition that its name gives them, as everywhere.',
    async run(part: PartRun): Promise<PartResult> {
      const measured = await withLedger(part, (ledger) => measure(store, ledger, part));
      const pulses = measured.fill.pulses + measured.live.pulses;
      return {
        figures: [
          ...figuresOf(measured),
          required('Usage = fed, in number and sum', `${count(pulses)} pulses`, true),
        ],
        details: { measured },
      };
    },
  };
}

export const sqlitePulseLedgerPart = partOf(
  SQLITE,
  'One partition, as in `serve`.',
  async ({ folder }, work) => {
    const path = join(folder, 'pulse-ledger.db');
    await using ledger = openSqlitePulseLedger({ path, logId: 'bench' });
    return await work(ledger);
  },
);

/**
 * The keys of ten million pulses are an index of 387 MB, each new one of which goes to a page of its own: with
 * the package's 128 MB a step waits for those pages, and takes half as long again.
 */
const SETTINGS = ['shared_buffers=1GB', 'max_wal_size=4GB', 'wal_compression=lz4'] as const;

export const postgresPulseLedgerPart = partOf(
  POSTGRES,
  'Twelve partitions, of which two commit at once (`apura aggregate` works on all of its partitions at once); the ' +
    `defaults of the server’s package, fsync on, and what docs/operating/distributed.md asks for: ${SETTINGS.join(', ')}.`,
  async ({ folder }, work) => {
    await using server = await startBenchPostgres(folder, SETTINGS);
    await using ledger = await openPostgresPulseLedger({ url: server.url, logId: 'bench' });
    return await work(ledger);
  },
);
