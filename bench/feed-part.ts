/** How soon ten thousand viewers know of a vote: from its acceptance to the message that includes it. */
import { join } from 'node:path';
import { audited } from './audited.ts';
import { Child } from './child.ts';
import { atMost, count, milliseconds, noted, percent, perSecond, required } from './figure.ts';
import { castMarkers, latenciesIn, voteSteadily } from './marked-votes.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { cpuSeconds, rssBytes } from './process-figures.ts';
import { benchProgram } from './programs.ts';
import { drained, openPoll, startServe } from './serve-process.ts';
import { highest, percentile } from './statistics.ts';

const POLL = 'feed';
const OPTIONS = ['ana', 'davi'];
const VIEWER_PROCESSES = 2;
const MARKER = 'marker';
const MARKER_GAP_MS = 500;
const VOTES_PER_BURST = 10;
const SEEN_WITHIN_MS = 2_000;
const P99_MS_MAX = 500;

interface Saw {
  readonly messages: number;
  readonly closed: number;
  readonly cpuPercent: number;
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const viewers = quick ? 2_000 : 10_000;
  const markers = quick ? 8 : 60;
  const { child, url, api } = await startServe(folder, false);
  await using _child = child;
  await openPoll(api, POLL, [...OPTIONS, MARKER]);
  const idleRssBytes = rssBytes(child.pid);
  say(`connecting ${count(viewers)} viewers`);
  const perProcess = viewers / VIEWER_PROCESSES;
  await using rooms = new AsyncDisposableStack();
  const files: string[] = [];
  const audience = Array.from({ length: VIEWER_PROCESSES }, (_, at) => {
    const file = join(folder, `arrivals-${at}`);
    files.push(file);
    const feed = `${url.replace('http', 'ws')}/v1/polls/${POLL}/live`;
    const args = [feed, MARKER, String(perProcess), String(markers), file];
    return rooms.use(new Child(benchProgram('viewers.ts', ...args)));
  });
  for (const room of audience) await room.printed(/^ready/m);
  const viewersRssBytes = rssBytes(child.pid) - idleRssBytes;
  say('voting');
  const stop = new AbortController();
  const polling = { url, poll: POLL };
  const steady = voteSteadily(polling, OPTIONS, VOTES_PER_BURST, stop.signal);
  await Bun.sleep(1_000);
  const startedAt = performance.now();
  const cpuBefore = cpuSeconds(child.pid);
  const accepted = await castMarkers(polling, MARKER, markers, MARKER_GAP_MS);
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
