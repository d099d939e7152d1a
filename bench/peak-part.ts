/** The peak minute: 3,000,000 votes through the real route, watched live, counted and audited. */
import { audited } from './audited.ts';
import { Child } from './child.ts';
import { ConsoleWatch } from './console-watch.ts';
import {
  atLeast,
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
import { readLoggedVotes } from './log-file.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import {
  peakRssBytes,
  serveThreadSeconds,
  type ThreadSeconds,
  threadSecondsSince,
  threadWords,
} from './process-figures.ts';
import { apura } from './programs.ts';
import { drained, openPoll, startServe } from './serve-process.ts';
import { highest, median } from './statistics.ts';

const VOTES_MIN = 3_000_000;
const MINUTE_S = 60;
/** A little over 50,000/s, so that a minute of it is 3,000,000 whenever it begins. */
const RATE = 50_250;
/** One request at a time each: the server's runtime hangs up on a request behind one without an answer. */
const CONNECTIONS = 512;
const RETRY_FOR = '30s';
const VIEWERS = 50;
const POLL = 'peak';
const OPTIONS = ['ana', 'davi', 'marina'];
const SHOWN_WITHIN_MS = 2_000;
const SAMPLE_MS = 20;

/** What `apura load --json` tells, as far as it is needed here. */
interface LoadReport {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly unknown: number;
  readonly elapsedMs: number;
  readonly acceptedBySecond: readonly number[];
  readonly latencyMs: Readonly<Record<'p50' | 'p99' | 'max', number>>;
  readonly serviceMs: Readonly<Record<'p50' | 'p99' | 'max', number>>;
  readonly generator: { readonly lateVotes: number; readonly cpuPercent: number };
  readonly exact: boolean | null;
}

/** Viewers of the public feed, as people have it open: connected until closed, told of every change. */
class PublicViewers implements Disposable {
  readonly #sockets: readonly WebSocket[];
  readonly #totals: number[];
  messages = 0;

  constructor(url: string) {
    const address = `${url.replace('http', 'ws')}/v1/polls/${POLL}/live`;
    this.#totals = Array.from({ length: VIEWERS }, () => 0);
    this.#sockets = this.#totals.map((_, viewer) => {
      const socket = new WebSocket(address);
      socket.onmessage = ({ data }) => {
        const message = JSON.parse(String(data)) as { results?: { total: number } };
        this.messages += 1;
        this.#totals[viewer] = message.results?.total ?? this.#totals[viewer] ?? 0;
      };
      return socket;
    });
  }

  /** Whether every one of them was shown this total last. */
  allShow(total: number): boolean {
    return this.#totals.every((shown) => shown === total);
  }

  [Symbol.dispose](): void {
    for (const socket of this.#sockets) socket.close();
  }
}

/** The most votes that were accepted within any minute, by whole seconds. */
function bestMinute(acceptedBySecond: readonly number[]): number {
  const sumFrom = (first: number): number =>
    acceptedBySecond.slice(first, first + MINUTE_S).reduce((sum, votes) => sum + votes, 0);
  return highest(acceptedBySecond.map((_, first) => sumFrom(first)));
}

interface CpuAtWork {
  readonly seconds: ThreadSeconds;
  readonly votes: number;
}

/** The server's CPU time in the last second that brought votes: the balance sheet after it is left out. */
async function cpuAtWork(
  pid: number,
  watch: ConsoleWatch,
  generatorEnded: Promise<unknown>,
): Promise<CpuAtWork> {
  let isEnded = false;
  void generatorEnded.then(() => {
    isEnded = true;
  });
  let last: CpuAtWork = { seconds: {}, votes: 0 };
  let secondsSeen = watch.seconds.length;
  while (!isEnded) {
    await Bun.sleep(SAMPLE_MS);
    if (watch.seconds.length === secondsSeen) continue;
    secondsSeen = watch.seconds.length;
    const votes = watch.seconds.at(-1)?.door.accepted ?? 0;
    if (votes > last.votes) last = { seconds: serveThreadSeconds(pid), votes };
  }
  return last;
}

async function shown(isShown: () => boolean): Promise<boolean> {
  const deadline = performance.now() + SHOWN_WITHIN_MS;
  while (!isShown() && performance.now() < deadline) await Bun.sleep(20);
  return isShown();
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const loadSeconds = quick ? 6 : MINUTE_S;
  const { child, url, api } = await startServe(folder, false);
  await using _child = child;
  await openPoll(api, POLL, OPTIONS);
  using watch = await ConsoleWatch.open(api);
  using viewers = new PublicViewers(url);
  say(`${count(RATE)} votes/s for ${loadSeconds} s, one operator and ${VIEWERS} viewers watching`);
  const cpuBefore = serveThreadSeconds(child.pid);
  await using generator = new Child(
    apura(
      ...['load', '--url', url, '--poll', POLL, '--rate', String(RATE), '--json'],
      ...['--duration', `${loadSeconds}s`, '--token', api.token ?? ''],
      ...['--connections', String(CONNECTIONS), '--retry-for', RETRY_FOR],
    ),
  );
  const atWork = await cpuAtWork(child.pid, watch, generator.ended());
  const { output } = await generator.ended();
  const load = JSON.parse(output) as LoadReport;
  const drainedMs = await drained(api, loadSeconds * 2_000);
  const threads = threadSecondsSince(cpuBefore, atWork.seconds);
  const isShown = await shown(
    () => watch.total(POLL) === load.accepted && viewers.allShow(load.accepted),
  );
  watch.check();
  const peakBytes = peakRssBytes(child.pid);
  await child.stop();
  say('auditing');
  const { counted, logged } = await audited(folder);
  const log = await readLoggedVotes(folder);
  const told = watch.seconds;
  const balanced = load.exact === true && counted === load.accepted + load.unknown;
  if (!balanced || !isShown || logged < counted) {
    throw new Error(`The books of the minute do not balance: ${output} ${counted} ${logged}`);
  }
  const minute = bestMinute(load.acceptedBySecond);
  const lagOf = (store: 'tallyMs' | 'ledgerMs'): number[] => told.map(({ lag }) => lag[store]);
  const figures: Figure[] = [
    quick
      ? noted('Accepted', count(load.accepted))
      : atLeast('Accepted within one minute', minute, VOTES_MIN, count),
    noted('Sent, accepted, refused, unknown', bookWords(load)),
    noted('Rate while votes came', perSecond((load.accepted / load.elapsedMs) * 1_000)),
    noted(
      'Latency from the instant each was due, p50 and p99',
      `${milliseconds(load.latencyMs.p50)}, ${milliseconds(load.latencyMs.p99)}`,
    ),
    noted(
      'Latency from when it left, p50 and p99',
      `${milliseconds(load.serviceMs.p50)}, ${milliseconds(load.serviceMs.p99)}`,
    ),
    noted(
      'Accepted → live tally, median and highest second',
      `${milliseconds(median(lagOf('tallyMs')))}, ${milliseconds(highest(lagOf('tallyMs')))}`,
    ),
    noted(
      'Accepted → ledger, median and highest second',
      `${milliseconds(median(lagOf('ledgerMs')))}, ${milliseconds(highest(lagOf('ledgerMs')))}`,
    ),
    noted('Drained after the balance sheet', seconds(drainedMs / 1_000)),
    noted('Votes a block', (log.votes / log.blocks).toFixed(0)),
    noted('CPU time a vote by thread', threadWords(threads, atWork.votes)),
    noted('CPU of the generator, of one core', percent(load.generator.cpuPercent)),
    noted('Memory of the server, highest', megabytes(peakBytes)),
    noted('Updates to the console, and to each viewer', updateWords(watch, viewers)),
    required('Accepted = counted, id by id, and audit', `${count(counted)} votes`, true),
  ];
  return { figures, details: { load, threads, drainedMs, peakBytes, log, seconds: told } };
}

function bookWords({ sent, accepted, rejected, unknown }: LoadReport): string {
  return [sent, accepted, rejected, unknown].map(count).join(', ');
}

function updateWords(watch: ConsoleWatch, viewers: PublicViewers): string {
  return `${count(watch.ticks)}, ${count(viewers.messages / VIEWERS)}`;
}

export const peakPart: Part = {
  name: 'peak',
  title: 'The peak minute: 3,000,000 votes through the real route, all roles in `serve`',
  method:
    `\`apura load --rate ${RATE} --duration 60s\`, an open loop over ${CONNECTIONS} connections, in a ` +
    `process of its own on the same machine; one operator console and ${VIEWERS} public viewers ` +
    'connected all the time. At the end the generator compares every id with the server’s export, ' +
    'console and viewers show the exact total, and `apura audit` finds nothing.',
  run,
};
