/** What the ledger on Postgres takes and answers on top of the rows that are there already. */
import { openPostgresLedger } from '../src/adapters/postgres/ledger.ts';
import type { EventPage, Ledger } from '../src/ports/ledger.ts';
import type { PartitionCounts } from '../src/ports/store-step.ts';
import { atLeast, atMost, type Figure, milliseconds, noted, perSecond, seconds } from './figure.ts';
import { FED_PARTITIONS, FED_STEP_VOTES, LedgerFeeder } from './ledger-feeder.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { startBenchPostgres } from './servers.ts';
import { highest, median, percentile } from './statistics.ts';

/** The rate that the ids' times tell of. */
const VOTES_PER_MS = 50;
/** So that the votes lie on both sides of a midnight. */
const BEGUN_AT = Date.UTC(2026, 5, 1, 23, 58, 20);
const SCOPE = 'demo';
const MINUTE_MS = 60_000;
const PAGE_EVENTS = 1_000;
/** Deep enough; all of them would take minutes. */
const PAGES_MAX = 2_000;

const VOTES_PER_SECOND_MIN = 100_000;
const RECOUNT_SECONDS_MAX = 10;
const PAGE_MS_MAX = 50;
const FIND_MS_MAX = 5;
const WINDOWS_MS_MAX = 50;

async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const startedAt = performance.now();
  const result = await work();
  return [performance.now() - startedAt, result];
}

/** Every partition's rows counted anew. @throws where rows and windows differ. */
async function recountAll(ledger: Ledger): Promise<number> {
  let elapsedMs = 0;
  for (let partition = 0; partition < FED_PARTITIONS; partition += 1) {
    const [ms, rows] = await timed(() => ledger.recount(partition));
    elapsedMs += ms;
    const sum = ({ counts }: PartitionCounts) => counts.reduce((all, { count }) => all + count, 0);
    const windows = await ledger.read(partition);
    if (sum(rows) !== sum(windows)) throw new Error(`Partition ${partition}: rows miscount.`);
  }
  return elapsedMs;
}

/** Pages from the first on. @throws where an event is missing. */
async function readPages(ledger: Ledger, votes: number): Promise<readonly number[]> {
  const times: number[] = [];
  let cursor: string | null = null;
  let seen = 0;
  do {
    const startedAt = performance.now();
    const page: EventPage = await ledger.events(SCOPE, cursor, PAGE_EVENTS);
    times.push(performance.now() - startedAt);
    seen += page.events.length;
    cursor = page.nextCursor;
  } while (cursor !== null && times.length < PAGES_MAX);
  if (seen !== Math.min(votes, PAGES_MAX * PAGE_EVENTS))
    throw new Error(`${seen} events on the pages of ${votes}.`);
  return times;
}

async function repeated(times: number, work: () => Promise<unknown>): Promise<readonly number[]> {
  const all: number[] = [];
  for (let time = 0; time < times; time += 1) all.push((await timed(work))[0]);
  return all;
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const base = quick ? 480_000 : 10_000_000;
  const more = quick ? 240_000 : 2_000_000;
  await using server = await startBenchPostgres(folder);
  await using ledger = await openPostgresLedger({ url: server.url, logId: 'bench' });
  const feeder = new LedgerFeeder(ledger, {
    scope: SCOPE,
    begunAt: BEGUN_AT,
    votesPerMs: VOTES_PER_MS,
  });
  await feeder.start();
  say(`filling the ledger with ${base.toLocaleString('en-US')} votes`);
  const [fillMs] = await timed(() => feeder.feed(base));
  say(`${more.toLocaleString('en-US')} votes on top`);
  const [feedMs, commits] = await timed(() => feeder.feed(more));
  say('recount, pages, find, windows');
  const recountMs = await recountAll(ledger);
  const pages = await readPages(ledger, feeder.votes);
  const finds = await repeated(100, async () => {
    if ((await ledger.find(feeder.firstId)) === null) throw new Error('An event is missing.');
  });
  const minute = Math.floor(BEGUN_AT / MINUTE_MS);
  const windows = await repeated(50, () => ledger.windows(SCOPE, minute, minute + 600));
  say('a reset');
  const [resetMs] = await timed(() => ledger.reset(0));
  const rows = base.toLocaleString('en-US');
  const figures: Figure[] = [
    noted(`Filling it with ${rows} votes`, seconds(fillMs / 1_000)),
    atLeast(
      `Postgres ledger, on top of ${rows} rows`,
      (more / feedMs) * 1_000,
      VOTES_PER_SECOND_MIN,
      perSecond,
    ),
    atMost('Recount of all partitions', recountMs / 1_000, RECOUNT_SECONDS_MAX, seconds),
    atMost('A page of 1,000 events, p99', percentile(pages, 99), PAGE_MS_MAX, milliseconds),
    atMost('Finding an event, p99', percentile(finds, 99), FIND_MS_MAX, milliseconds),
    atMost('Minute windows of a poll, p99', percentile(windows, 99), WINDOWS_MS_MAX, milliseconds),
  ];
  const commitMs = { p50: median(commits), p99: percentile(commits, 99), max: highest(commits) };
  const pageMs = { p50: median(pages), p99: percentile(pages, 99), max: highest(pages) };
  return { figures, details: { base, fillMs, more, feedMs, commitMs, recountMs, pageMs, resetMs } };
}

export const postgresLedgerPart: Part = {
  name: 'postgres-ledger',
  title: 'The ledger on Postgres',
  onlyByName: true,
  method:
    `A server of its own with the defaults of its package and fsync on; ${FED_PARTITIONS} partitions, steps ` +
    `of ${FED_STEP_VOTES.toLocaleString('en-US')} votes one at a time, ids as primary key, votes on both sides ` +
    'of a midnight. The recount is of every row, and is held against the windows; pages follow one another.',
  run,
};
