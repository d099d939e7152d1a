/** How soon a server is ready: on an empty folder, and with a peak minute's ids to remember. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { audited } from './audited.ts';
import { atMost, count, milliseconds, noted, required } from './figure.ts';
import { followLog } from './followed-log.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { drained, startServe } from './serve-process.ts';
import { writeSyntheticLog } from './synthetic-log.ts';

const STARTS = 5;
const READY_MS_MAX = 1_000;

interface Start {
  readonly readyMs: number;
  /** Until the first vote was accepted. */
  readonly firstVoteMs: number;
  /** Until both stores stood at the end of the log again. */
  readonly countedMs: number;
}

async function start(folder: string): Promise<Start> {
  const startedAt = performance.now();
  const { child, url, api, readyMs } = await startServe(folder, true);
  await using _child = child;
  const response = await fetch(`${url}/v1/polls/demo/votes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: '{"option":"ana"}',
  });
  if (response.status !== 202) throw new Error(`A vote was answered with ${response.status}.`);
  const firstVoteMs = performance.now() - startedAt;
  await drained(api, 120_000);
  const countedMs = performance.now() - startedAt;
  await child.stop();
  return { readyMs, firstVoteMs, countedMs };
}

function best(starts: readonly Start[], pick: (start: Start) => number): number {
  return Math.min(...starts.map(pick));
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const empty: Start[] = [];
  for (let n = 0; n < STARTS; n += 1) empty.push(await start(join(folder, `empty-${n}`)));
  const votes = quick ? 300_000 : 3_000_000;
  say(`filling a folder with ${count(votes)} votes`);
  const filled = join(folder, 'filled');
  mkdirSync(filled);
  await writeSyntheticLog({
    folder: filled,
    votes,
    votesPerBlock: 500,
    repeatEvery: 0,
    endsAt: Date.now(),
  });
  for (const store of ['tally', 'ledger'] as const) await followLog(store, filled);
  const full: Start[] = [];
  for (let n = 0; n < STARTS; n += 1) full.push(await start(filled));
  const { counted } = await audited(filled);
  if (counted !== votes + STARTS) throw new Error(`${counted} votes are counted, not all.`);
  const withIds = `with ${count(votes)} ids in the window`;
  return {
    figures: [
      atMost(
        'Ready, empty folder',
        best(empty, (s) => s.readyMs),
        READY_MS_MAX,
        milliseconds,
      ),
      noted('First vote accepted, empty folder', milliseconds(best(empty, (s) => s.firstVoteMs))),
      atMost(
        `Ready ${withIds}`,
        best(full, (s) => s.readyMs),
        READY_MS_MAX,
        milliseconds,
      ),
      noted(`First vote accepted ${withIds}`, milliseconds(best(full, (s) => s.firstVoteMs))),
      noted(`First vote counted ${withIds}`, milliseconds(best(full, (s) => s.countedMs))),
      required('Audit after all starts', `${count(counted)} votes`, true),
    ],
    details: { empty, full, votes },
  };
}

export const startPart: Part = {
  name: 'start',
  title: 'Start',
  method:
    `From the start of \`apura serve\` to its word that it is ready, the best of ${STARTS}. Until the ` +
    'first vote is counted, tally and ledger read the ids of the window again.',
  run,
};
