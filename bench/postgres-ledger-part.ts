/** What the ledger on Postgres takes and answers on top of the rows that are there already. */
import { openPostgresLedger } from '../src/adapters/postgres/ledger.ts';
import type { EventColumns, EventPage, Ledger, LedgerStep } from '../src/ports/ledger.ts';
import type { PartitionCounts } from '../src/ports/store-step.ts';
import { atLeast, atMost, type Figure, milliseconds, perSecond, seconds } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { startBenchPostgres } from './servers.ts';
import { highest, median, percentile } from './statistics.ts';

const PARTITIONS = 12;
const STEP_VOTES = 20_000;
const STEP_BLOCKS = 40;
/** The rate that the ids' times tell of. */
const VOTES_PER_MS = 50;
const TRAVEL_MS = 40;
const MINUTE_MS = 60_000;
/** So that the votes lie on both sides of a midnight. */
const BEGUN_AT = Date.UTC(2026, 5, 1, 23, 58, 20);
const SCOPE = 'demo';
const KEYS = ['ana', 'davi', 'marina'].map((item) => ({
  scope: SCOPE,
  item,
  lane: 'valid' as const,
}));
const PAGE_EVENTS = 1_000;
/** Deep enough; all of them would take minutes. */
const PAGES_MAX = 2_000;

const VOTES_PER_SECOND_MIN = 100_000;
const RECOUNT_SECONDS_MAX = 10;
const PAGE_MS_MAX = 50;
const FIND_MS_MAX = 5;
const WINDOWS_MS_MAX = 50;

/** Commits steps of new votes, partition by partition, one at a time as one worker does. */
class Feeder {
  readonly #ledger: Ledger;
  readonly #epochs: number[] = [];
  readonly #next: number[] = [];
  #steps = 0;
  #state = 0x9e3779b9;
  /** An id of the first step. */
  firstId = '';

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  get votes(): number {
    return this.#steps * STEP_VOTES;
  }

  async start(): Promise<void> {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      this.#epochs.push((await this.#ledger.takeOver(partition)).epoch);
      this.#next.push(0);
    }
  }

  /** @returns how long each commit took, ms. @throws where a step is not applied. */
  async feed(votes: number): Promise<readonly number[]> {
    const times: number[] = [];
    const end = this.votes + votes;
    while (this.votes < end) {
      const step = this.#step();
      const startedAt = performance.now();
      const outcome = await this.#ledger.commit(step);
      times.push(performance.now() - startedAt);
      if (outcome !== 'applied') throw new Error(`A step was ${outcome}.`);
      this.#next[step.partition] = step.checkpoint.nextOffset;
      this.#steps += 1;
    }
    return times;
  }

  #step(): LedgerStep {
    const partition = this.#steps % PARTITIONS;
    const from = this.#next[partition] ?? 0;
    const counted = this.#votes(from);
    if (this.firstId === '') {
      this.firstId = Buffer.from(counted.ids.subarray(0, 16)).toString('hex');
    }
    const logTime = highest(counted.acceptedAt);
    const nextOffset = from + STEP_BLOCKS;
    const checkpoint = { nextOffset, logTime, windowStartOffset: 0, lastBlockCrc: 1 };
    const sums = { logged: STEP_VOTES, counted: STEP_VOTES, duplicate: 0, expired: 0, late: 0 };
    return {
      partition,
      epoch: this.#epochs[partition] ?? 0,
      from,
      checkpoint,
      acceptedFrom: counted.acceptedAt[0] ?? null,
      counts: countsOf(counted),
      books: [{ scope: SCOPE, ...sums, voided: 0 }],
      closes: [],
      acts: [],
      counted,
      excluded: { ...columns(0), verdict: new Uint8Array() },
    };
  }

  #votes(from: number): EventColumns {
    const votes = columns(STEP_VOTES);
    const view = new DataView(votes.ids.buffer);
    const round = Math.floor(this.#steps / PARTITIONS) * PARTITIONS * STEP_VOTES;
    for (let vote = 0; vote < STEP_VOTES; vote += 1) {
      const time = BEGUN_AT + Math.floor((round + vote * PARTITIONS) / VOTES_PER_MS);
      view.setUint32(vote * 16, Math.floor(time / 0x1_0000));
      view.setUint16(vote * 16 + 4, time % 0x1_0000);
      view.setUint16(vote * 16 + 6, this.#random() & 0xffff);
      view.setUint32(vote * 16 + 8, this.#random());
      view.setUint32(vote * 16 + 12, this.#random());
      votes.keyIndex[vote] = vote % KEYS.length;
      votes.acceptedAt[vote] = time + TRAVEL_MS;
      votes.offset[vote] = from + Math.floor((vote * STEP_BLOCKS) / STEP_VOTES);
    }
    return votes;
  }

  /** Words that look random enough to be ids, the same in every run. */
  #random(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }
}

function columns(count: number) {
  return {
    count,
    ids: new Uint8Array(count * 16),
    keyIndex: new Uint16Array(count),
    acceptedAt: new Float64Array(count),
    offset: new Float64Array(count),
    keys: KEYS,
  };
}

function countsOf({ count, keyIndex, acceptedAt }: EventColumns): LedgerStep['counts'] {
  const counts = new Map<string, { key: number; minute: number; count: number }>();
  for (let vote = 0; vote < count; vote += 1) {
    const key = keyIndex[vote] ?? 0;
    const minute = Math.floor((acceptedAt[vote] ?? 0) / MINUTE_MS);
    const total = counts.get(`${key} ${minute}`) ?? { key, minute, count: 0 };
    total.count += 1;
    counts.set(`${key} ${minute}`, total);
  }
  return [...counts.values()].flatMap(({ key, ...rest }) => {
    const name = KEYS[key];
    return name === undefined ? [] : [{ ...name, ...rest }];
  });
}

async function timed<T>(work: () => Promise<T>): Promise<readonly [ms: number, result: T]> {
  const startedAt = performance.now();
  const result = await work();
  return [performance.now() - startedAt, result];
}

/** Every partition's rows counted anew. @throws where rows and windows differ. */
async function recountAll(ledger: Ledger): Promise<number> {
  let elapsedMs = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
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
  const feeder = new Feeder(ledger);
  await feeder.start();
  say(`filling the ledger with ${base.toLocaleString('en-US')} votes`);
  await feeder.feed(base);
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
  return { figures, details: { base, more, feedMs, commitMs, recountMs, pageMs, resetMs } };
}

export const postgresLedgerPart: Part = {
  name: 'postgres-ledger',
  title: 'The ledger on Postgres',
  method:
    `A server of its own with the defaults of its package and fsync on; ${PARTITIONS} partitions, steps ` +
    `of ${STEP_VOTES.toLocaleString('en-US')} votes one at a time, ids as primary key, votes on both sides ` +
    'of a midnight. The recount is of every row, and is held against the windows; pages follow one another.',
  run,
};
