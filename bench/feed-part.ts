/** How soon ten thousand viewers know of a vote: from its acceptance to the message that includes it. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { audited } from './audited.ts';
import { Child } from './child.ts';
import { atMost, count, milliseconds, noted, percent, perSecond, required } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { cpuSeconds, rssBytes } from './process-figures.ts';
import { benchProgram } from './programs.ts';
import { drained, openPoll, startServe } from './serve-process.ts';
import { highest, percentile } from './statistics.ts';

const POLL = 'feed';
const OPTIONS = ['ana', 'davi', 'marker'];
const VIEWER_PROCESSES = 2;
const BURST_MS = 10;
const VOTES_PER_BURST = 10;
/** Markers must not keep step with the feed's ticks: 400 to 600 ms, each length as often. */
const markerGapMs = (marker: number): number => 400 + ((marker * 37) % 200);
const SEEN_WITHIN_MS = 2_000;
const P99_MS_MAX = 500;

interface Saw {
  readonly messages: number;
  readonly closed: number;
  readonly cpuPercent: number;
}

/** Casts one vote; resolves to the instant at which the server says that it accepted it. */
async function vote(url: string, option: string | undefined): Promise<number> {
  const response = await fetch(`${url}/v1/polls/${POLL}/votes`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ option }),
  });
  if (response.status !== 202) throw new Error(`A vote was answered with ${response.status}.`);
  const { acceptedAt } = (await response.json()) as { readonly acceptedAt: string };
  return Date.parse(acceptedAt);
}

interface SteadyVotes {
  readonly votes: number;
  readonly perSecond: number;
}

/** Votes for everything but the marker, steadily, until told to stop. */
async function voteSteadily(url: string, signal: AbortSignal): Promise<SteadyVotes> {
  const startedAt = performance.now();
  const votes: Promise<number>[] = [];
  for (let burst = 0; !signal.aborted; burst += 1) {
    for (let n = 0; n < VOTES_PER_BURST; n += 1) votes.push(vote(url, OPTIONS[n % 2]));
    await Bun.sleep(Math.max(0, startedAt + (burst + 1) * BURST_MS - performance.now()));
  }
  await Promise.all(votes);
  const elapsedMs = performance.now() - startedAt;
  return { votes: votes.length, perSecond: (votes.length / elapsedMs) * 1_000 };
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const viewers = quick ? 2_000 : 10_000;
  const markers = quick ? 8 : 60;
  const { child, url, api } = await startServe(folder, false);
  await using _child = child;
  await openPoll(api, POLL, OPTIONS);
  const idleRssBytes = rssBytes(child.pid);
  say(`connecting ${count(viewers)} viewers`);
  const perProcess = viewers / VIEWER_PROCESSES;
  await using rooms = new AsyncDisposableStack();
  const files: string[] = [];
  const audience = Array.from({ length: VIEWER_PROCESSES }, (_, at) => {
    const file = join(folder, `arrivals-${at}`);
    files.push(file);
    const feed = `${url.replace('http', 'ws')}/v1/polls/${POLL}/live`;
    const args = [feed, 'marker', String(perProcess), String(markers), file];
    return rooms.use(new Child(benchProgram('viewers.ts', ...args)));
  });
  for (const room of audience) await room.printed(/^ready/m);
  const viewersRssBytes = rssBytes(child.pid) - idleRssBytes;
  say('voting');
  const stop = new AbortController();
  const steady = voteSteadily(url, stop.signal);
  await Bun.sleep(1_000);
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(child.pid);
  const accepted: number[] = [];
  while (accepted.length < markers) {
    accepted.push(await vote(url, 'marker'));
    await Bun.sleep(markerGapMs(accepted.length));
  }
  const elapsedMs = performance.now() - startedAt;
  const serverPercent = ((cpuSeconds(child.pid) - cpuBefore) / elapsedMs) * 100_000;
  stop.abort();
  const others = await steady;
  const votes = others.votes + markers;
  await Bun.sleep(SEEN_WITHIN_MS);
  for (const room of audience) room.tell('enough');
  const saw: Saw[] = [];
  for (const room of audience) {
    const [, told = ''] = await room.printed(/^saw (.*)$/m);
    await room.ended();
    saw.push(JSON.parse(told) as Saw);
  }
  const latencies = files.flatMap((file) => latenciesIn(file, accepted));
  await drained(api, 10_000);
  await child.stop();
  const { counted } = await audited(folder);
  const lost = saw.reduce((sum, { closed }) => sum + closed, 0);
  if (counted !== votes || lost > 0 || latencies.some(Number.isNaN)) {
    const missed = latencies.filter(Number.isNaN).length;
    throw new Error(`Not all saw all: ${JSON.stringify({ counted, votes, lost, missed })}`);
  }
  const messages = saw.reduce((sum, one) => sum + one.messages, 0);
  const p99Ms = percentile(latencies, 99);
  return {
    figures: [
      noted('Viewers connected', count(viewers)),
      noted('Accepted → told, p50', milliseconds(percentile(latencies, 50))),
      atMost('Accepted → told, p99', p99Ms, P99_MS_MAX, milliseconds),
      noted('Accepted → told, highest', milliseconds(highest(latencies))),
      noted('Votes meanwhile', perSecond(others.perSecond)),
      noted('Messages to all viewers', perSecond((messages / elapsedMs) * 1_000)),
      noted('CPU of the server, of one core', percent(serverPercent)),
      noted(
        'CPU of the viewers’ processes, of one core each',
        saw.map(({ cpuPercent }) => percent(cpuPercent)).join(', '),
      ),
      noted('Memory a viewer', `${(viewersRssBytes / viewers / 1_000).toFixed(1)} kB`),
      required('Every viewer told of every marker', `${count(latencies.length)} arrivals`, true),
    ],
    details: { viewers, markers, votes, saw, serverPercent, viewersRssBytes },
  };
}

function latenciesIn(file: string, accepted: readonly number[]): number[] {
  const { buffer, byteOffset, byteLength } = readFileSync(file);
  const arrivals = new Float64Array(buffer.slice(byteOffset, byteOffset + byteLength));
  return Array.from(arrivals, (at, index) => {
    const acceptedAt = accepted[index % accepted.length];
    return acceptedAt === undefined ? Number.NaN : at - acceptedAt;
  });
}

export const feedPart: Part = {
  name: 'feed',
  title: 'Live results for many viewers',
  method:
    'WebSocket viewers of one poll in two processes on the same machine, about 1,000 votes/s coming ' +
    'over HTTP. Twice a second a marker is voted for, an option that nothing else votes for; a viewer ' +
    'knows of it with the first message whose results count it. From `acceptedAt` of the server’s ' +
    'answer to the arrival in the viewer’s process.',
  run,
};
