/** How fast the stores' workers follow a log that is there already, and what remembering ids costs. */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { dataPaths } from '../src/compose/data-folder.ts';
import { DedupWindow } from '../src/domain/counting/dedup-window.ts';
import { audited } from './audited.ts';
import { atLeast, atMost, bytes, type Figure, noted, perSecond, required } from './figure.ts';
import { type FollowedLog, followLog } from './followed-log.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { highest, median } from './statistics.ts';
import { writeSyntheticLog } from './synthetic-log.ts';

const TALLY_PER_SECOND_MIN = 5_000_000;
const LEDGER_PER_SECOND_MIN = 200_000;
const WINDOW_BYTES_MAX = 32;
const VOTES_PER_BLOCK = 500;
const REPEAT_EVERY = 100;

interface Followed {
  readonly runs: readonly FollowedLog[];
  readonly logged: number;
}

async function measure(
  store: 'tally' | 'ledger',
  folder: string,
  votes: number,
  runs: number,
): Promise<Followed> {
  const endsAt = Date.now();
  const log = { folder, votes, votesPerBlock: VOTES_PER_BLOCK, repeatEvery: REPEAT_EVERY, endsAt };
  const { repeats } = await writeSyntheticLog(log);
  const followed: FollowedLog[] = [];
  const path = dataPaths(folder)[store];
  while (followed.length < runs) {
    for (const file of [path, `${path}-wal`, `${path}-shm`]) rmSync(file, { force: true });
    const run = await followLog(store, folder);
    if (run.counted !== votes || run.duplicate !== repeats) {
      throw new Error(`The ${store} worker miscounts: ${JSON.stringify({ votes, repeats, run })}`);
    }
    followed.push(run);
  }
  return { runs: followed, logged: votes + repeats };
}

/** Bytes an id of the window's tables, filled at the peak's rate; the highest and the last. */
function windowBytes(ids: number): { readonly highest: number; readonly atEnd: number } {
  const window = new DedupWindow(1);
  const readings: number[] = [];
  for (let id = 0; id < ids; id += 1) {
    window.add(Math.floor(id / 50), Math.imul(id, 0x9e3779b1) >>> 0, id, id & 0xffff);
    if (id > ids / 2 && id % 10_000 === 0) readings.push(window.bytes / window.size);
  }
  return { highest: highest(readings), atEnd: window.bytes / window.size };
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const figures: Figure[] = [];
  const details: Record<string, unknown> = {};
  const runs = quick ? 1 : 3;
  for (const store of ['tally', 'ledger'] as const) {
    const fullVotes = store === 'tally' ? 10_000_000 : 2_000_000;
    const votes = quick ? fullVotes / 10 : fullVotes;
    say(`${store}: ${votes.toLocaleString('en-US')} votes`);
    const into = join(folder, store);
    mkdirSync(into);
    const followed = await measure(store, into, votes, runs);
    const rate = median(
      followed.runs.map(({ elapsedMs }) => (followed.logged / elapsedMs) * 1_000),
    );
    const rss = highest(followed.runs.map(({ rssGrowth, windowIds }) => rssGrowth / windowIds));
    const min = store === 'tally' ? TALLY_PER_SECOND_MIN : LEDGER_PER_SECOND_MIN;
    figures.push(
      atLeast(`${store} worker from a filled log`, rate, min, perSecond),
      noted(`Growth of the ${store} worker by its ids in the window`, `${bytes(rss)} an id`),
    );
    details[store] = followed;
  }
  say('auditing');
  // The ledger's folder gets its tally, so that the audit has both to compare.
  const ledgerFolder = join(folder, 'ledger');
  await followLog('tally', ledgerFolder);
  const books = await audited(ledgerFolder);
  const window = windowBytes(quick ? 1_000_000 : 10_000_000);
  figures.push(
    atMost('Dedup window, bytes an id, highest', window.highest, WINDOW_BYTES_MAX, bytes),
    required('Audit of tally and ledger', `${books.counted.toLocaleString('en-US')} votes`, true),
  );
  return { figures, details: { ...details, window, books } };
}

export const workersPart: Part = {
  name: 'workers',
  title: 'Tally and ledger workers from a filled log',
  method:
    `Logs of blocks of ${VOTES_PER_BLOCK} votes, ids as at 50,000 votes/s, every ${REPEAT_EVERY}th vote ` +
    'twice. Each worker is a process pinned to one CPU, with the step sizes of its thread in `serve`; ' +
    'the median of the runs, duplicates included.',
  run,
};
