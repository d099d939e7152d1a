/** How soon a vote is seen when all roles are processes of their own, and what each of them takes. */
import { join } from 'node:path';
import type { Role } from '../src/compose/role-names.ts';
import { auditedWith } from './audited.ts';
import { Child } from './child.ts';
import {
  atLeast,
  atMost,
  count,
  type Figure,
  megabytes,
  milliseconds,
  noted,
  percent,
  perSecond,
  required,
  seconds,
} from './figure.ts';
import { castMarkers, latenciesIn, type Polling, vote, voteSteadily } from './marked-votes.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { apura, benchProgram } from './programs.ts';
import { figuresByProgram, type ProgramFigures, startRolesApart } from './roles-apart.ts';
import { drained, openPoll } from './serve-process.ts';
import { highest, percentile } from './statistics.ts';

const ROLES: readonly Role[] = ['query', 'ingest', 'tally', 'ledger', 'sync'];
const RATE = 10_000;
/** Below this part of the rate it is not what was to be measured: the last answers take a moment. */
const RATE_PART_MIN = 0.98;
const VIEWERS = 20;
const P99_MS_MAX = 500;
/** The poll that the generator votes in, and the one of the markers. */
const CROWD = 'crowd';
const MARKED = 'marked';
const OPTIONS = ['ana', 'davi', 'marina'];
const MARKER = 'marker';
const MARKER_GAP_MS = 125;
/** About 200 a second, so that the feed of the marked poll never rests. */
const VOTES_PER_BURST = 2;
/** A poll's opening holds 2 s after it was decided. */
const OPEN_WITHIN_MS = 10_000;
/** The generator first starts, and the processes' code gets warm. */
const WARM_UP_MS = 3_000;
const SEEN_WITHIN_MS = 2_000;
const DRAINED_WITHIN_MS = 30_000;

/** What `apura load --json` tells, as far as it is needed here. */
interface LoadReport {
  readonly accepted: number;
  readonly unknown: number;
  readonly rejected: number;
  readonly elapsedMs: number;
  readonly latencyMs: Readonly<Record<'p50' | 'p99' | 'max', number>>;
  readonly generator: { readonly cpuPercent: number };
  readonly exact: boolean | null;
}

/** Casts one vote as soon as the door takes it; resolves once it is accepted. */
async function firstVote(polling: Polling): Promise<void> {
  const deadline = performance.now() + OPEN_WITHIN_MS;
  for (;;) {
    try {
      await vote(polling, OPTIONS[0]);
      return;
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await Bun.sleep(50);
    }
  }
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const loadSeconds = quick ? 8 : 25;
  const markers = quick ? 24 : 140;
  say('starting Kafka, Redis, Postgres and the roles');
  await using apart = await startRolesApart(folder, ROLES);
  const { api, env } = apart;
  const door = apart.urlOf('ingest');
  await openPoll(api, CROWD, OPTIONS);
  await openPoll(api, MARKED, [...OPTIONS, MARKER]);
  const polling = { url: door, poll: MARKED };
  await firstVote(polling);
  const file = join(folder, 'arrivals');
  const feed = `${apart.urlOf('query').replace('http', 'ws')}/v1/polls/${MARKED}/live`;
  const args = [feed, MARKER, String(VIEWERS), String(markers), file];
  await using room = new Child(benchProgram('viewers.ts', ...args));
  await room.printed(/^ready/m);
  say(`${count(RATE)} votes/s for ${loadSeconds} s`);
  await using generator = new Child(
    apura(
      ...['load', '--url', door, '--admin-url', apart.urlOf('query'), '--poll', CROWD, '--json'],
      ...['--rate', String(RATE), '--duration', `${loadSeconds}s`, '--token', api.token ?? ''],
    ),
  );
  const stop = new AbortController();
  const steady = voteSteadily(polling, OPTIONS, VOTES_PER_BURST, stop.signal);
  await Bun.sleep(WARM_UP_MS);
  const before = figuresByProgram();
  const startedAt = performance.now();
  const accepted = await castMarkers(polling, MARKER, markers, MARKER_GAP_MS);
  const elapsedMs = performance.now() - startedAt;
  const after = figuresByProgram();
  stop.abort();
  const others = await steady;
  const { output } = await generator.ended();
  const load = JSON.parse(output) as LoadReport;
  await Bun.sleep(SEEN_WITHIN_MS);
  room.tell('enough');
  await room.ended();
  const latencies = latenciesIn(file, accepted);
  const drainedMs = await drained(api, DRAINED_WITHIN_MS);
  say('auditing');
  const { counted } = await auditedWith(env);
  const votes = load.accepted + load.unknown + others.votes + markers + 1;
  const missed = latencies.filter(Number.isNaN).length;
  if (load.exact !== true || counted !== votes || missed > 0) {
    const facts = JSON.stringify({ counted, votes, missed });
    throw new Error(`The books do not balance, or a marker was not seen: ${facts} ${output}`);
  }
  const figures: Figure[] = [
    atLeast('Votes meanwhile', perSecondOf(load), RATE * RATE_PART_MIN, perSecond),
    noted('Accepted → told, p50', milliseconds(percentile(latencies, 50))),
    atMost('Accepted → told, p99', percentile(latencies, 99), P99_MS_MAX, milliseconds),
    noted('Accepted → told, highest', milliseconds(highest(latencies))),
    noted(
      'Answer to a vote from the instant it was due, p50 and p99',
      `${milliseconds(load.latencyMs.p50)}, ${milliseconds(load.latencyMs.p99)}`,
    ),
    noted('Stores at the end of the log, after the balance sheet', seconds(drainedMs / 1_000)),
    ...programFigures(before, after, elapsedMs),
    required('Balance sheet exact id by id, and audit', `${count(counted)} votes`, true),
  ];
  const programs = Object.fromEntries(after);
  return { figures, details: { load, markers, latencies, programs, drainedMs } };
}

function perSecondOf({ accepted, elapsedMs }: LoadReport): number {
  return (accepted / elapsedMs) * 1_000;
}

function programFigures(
  before: ReadonlyMap<string, ProgramFigures>,
  after: ReadonlyMap<string, ProgramFigures>,
  elapsedMs: number,
): Figure[] {
  const used = (name: string): number => {
    const since = before.get(name)?.cpuSeconds ?? 0;
    return (((after.get(name)?.cpuSeconds ?? since) - since) / elapsedMs) * 100_000;
  };
  const all = [...after].filter(([name]) => name !== 'load');
  const total = (pick: (one: ProgramFigures) => number): number =>
    all.reduce((sum, [, one]) => sum + pick(one), 0);
  return [
    ...all.map(([name, { rssBytes, pssBytes }]) =>
      noted(
        `${name}: CPU of one core, RSS, PSS`,
        `${percent(used(name))}, ${megabytes(rssBytes)}, ${megabytes(pssBytes)}`,
      ),
    ),
    noted(
      'All of them: CPU of one core, PSS',
      `${percent(all.reduce((sum, [name]) => sum + used(name), 0))}, ` +
        megabytes(total(({ pssBytes }) => pssBytes)),
    ),
    noted('The generator beside them: CPU of one core', percent(used('load'))),
  ];
}

export const apartPart: Part = {
  name: 'apart',
  title: 'All roles apart, on one node each of Kafka, Redis and Postgres',
  method:
    `Servers, one process of each role, \`apura load --rate ${RATE}\` (an open loop) and ${VIEWERS} WebSocket ` +
    'viewers share all cores, nothing is pinned. The viewers’ poll gets about 200 votes/s more, so that its ' +
    'feed never rests; eight times a second a marker is voted for in it, an option that nothing else votes for. ' +
    'From `acceptedAt` of the door’s answer to the arrival in the viewers’ process. Afterwards the generator ' +
    'compares every id with the export, and `apura audit` compares log, Redis and Postgres.',
  run,
};
