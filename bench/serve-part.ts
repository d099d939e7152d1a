/** All roles in one process, which shares the machine with the generator: what a plain `serve` takes. */
import { audited } from './audited.ts';
import { ConsoleWatch } from './console-watch.ts';
import {
  atMost,
  bytes,
  count,
  megabytes,
  milliseconds,
  noted,
  perSecond,
  required,
  seconds,
} from './figure.ts';
import { readLoggedVotes } from './log-file.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import {
  peakRssBytes,
  rssBytes,
  serveThreadSeconds,
  threadSecondsSince,
  threadWords,
} from './process-figures.ts';
import { drained, startServe } from './serve-process.ts';
import { highest, median } from './statistics.ts';
import { loadVotes } from './vote-load.ts';

const CONNECTIONS = 256;

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const loadSeconds = quick ? 5 : 30;
  const { child, url, api } = await startServe(folder, true);
  await using _child = child;
  using watch = await ConsoleWatch.open(api);
  say('warming up');
  const target = { url, serverPid: child.pid, connections: CONNECTIONS };
  const warmUp = await loadVotes({ ...target, seconds: quick ? 1 : 5 });
  await drained(api, 60_000);
  const rssBefore = rssBytes(child.pid);
  const secondsBefore = watch.seconds.length;
  const cpuBefore = serveThreadSeconds(child.pid);
  say(`${CONNECTIONS} connections for ${loadSeconds} s`);
  const load = await loadVotes({ ...target, seconds: loadSeconds });
  const drainedMs = await drained(api, loadSeconds * 2_000);
  const threads = threadSecondsSince(cpuBefore, serveThreadSeconds(child.pid));
  // One more second, so that the lag of the last votes has been told too.
  await Bun.sleep(1_500);
  watch.check();
  const told = watch.seconds.slice(secondsBefore);
  const door = told.at(-1)?.door;
  const rssGrowth = rssBytes(child.pid) - rssBefore;
  const peakBytes = peakRssBytes(child.pid);
  await child.stop();
  say('auditing');
  const { counted, logged } = await audited(folder);
  const answered = warmUp.answered + load.answered;
  if (door?.accepted !== counted || logged !== counted || answered > counted) {
    throw new Error(`Accepted is not counted: ${JSON.stringify({ answered, door, counted })}`);
  }
  const log = await readLoggedVotes(folder);
  const lagOf = (store: 'tallyMs' | 'ledgerMs'): number[] => told.map(({ lag }) => lag[store]);
  return {
    figures: [
      noted('Durable votes, counted meanwhile', perSecond(load.perSecond)),
      noted('p50 and p99', `${milliseconds(load.p50Ms)}, ${milliseconds(load.p99Ms)}`),
      noted(
        'Accepted → live tally, median and highest second',
        `${milliseconds(median(lagOf('tallyMs')))}, ${milliseconds(highest(lagOf('tallyMs')))}`,
      ),
      noted(
        'Accepted → ledger, median and highest second',
        `${milliseconds(median(lagOf('ledgerMs')))}, ${milliseconds(highest(lagOf('ledgerMs')))}`,
      ),
      atMost('Both stores at the end of the log', drainedMs / 1_000, loadSeconds, seconds),
      noted('Votes a block', (log.votes / log.blocks).toFixed(0)),
      noted('CPU time a vote by thread', threadWords(threads, load.answered)),
      noted('Memory, highest', megabytes(peakBytes)),
      noted(
        'Growth by the ids that entered both windows',
        `${bytes(rssGrowth / load.answered)} an id (${count(load.answered)} ids)`,
      ),
      required('Accepted = counted, audit', `${count(counted)} votes`, true),
    ],
    details: { warmUp, load, drainedMs, threads, rssGrowth, peakBytes, log, seconds: told },
  };
}

export const servePart: Part = {
  name: 'serve',
  title: 'All roles in one `serve`, generator on the same machine',
  method:
    '`apura serve` and wrk share all cores, nothing is pinned, an operator watches the console feed. A ' +
    'lag is the longest from the acceptance of any vote to the commit that counts it, told once a second.',
  run,
};
