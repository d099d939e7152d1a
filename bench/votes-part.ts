/**
 * A durable vote against a no-op: both servers on one CPU, the generator on the other, round after
 * round in turn, so that whatever else the machine does falls on both.
 */
import { countedAndAudited } from './audited.ts';
import { Child } from './child.ts';
import {
  atLeast,
  atMost,
  bytes,
  type Figure,
  megabytes,
  milliseconds,
  noted,
  percent,
  perSecond,
  ratio,
  required,
} from './figure.ts';
import { measureFlushTimes } from './flush-times.ts';
import { readIngestBooks } from './ingest-books.ts';
import { logFileBytes, readLoggedVotes } from './log-file.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { peakRssBytes, rssBytes } from './process-figures.ts';
import { benchProgram, LOADER_CPU, SERVER_CPU } from './programs.ts';
import { sampleAnswer } from './sample-answer.ts';
import { highest, median } from './statistics.ts';
import { loadVotes, type VoteLoadResult } from './vote-load.ts';

const CONNECTIONS = [8, 256, 1_024] as const;
const RATIO_MIN = 0.85;
const P99_MS_MAX = 15;
const OVER_FLUSH_MS_MAX = 0.5;
const RSS_BYTES_MAX = 150e6;

interface Server {
  readonly child: Child;
  readonly url: string;
}

interface Round {
  readonly noop: VoteLoadResult;
  readonly ingest: VoteLoadResult;
}

interface Level {
  readonly connections: number;
  readonly rounds: readonly Round[];
  readonly votesPerBlock: number;
  readonly blockBytesPerVote: number;
  /** Growth of the log's files by the votes that made them grow. */
  readonly fileBytesPerVote: number;
  readonly rssBytes: number;
}

async function startServer(file: string, argument: string): Promise<Server> {
  const child = new Child(benchProgram(file, argument), { cpu: SERVER_CPU });
  const [, url = ''] = await child.printed(/^ready (.*)$/m);
  return { child, url };
}

async function run(part: PartRun): Promise<PartResult> {
  const { folder, quick, say } = part;
  const flushBefore = measureFlushTimes(folder);
  const { child: ingestChild, url } = await startServer('ingest-server.ts', folder);
  await using _ingest = ingestChild;
  const noop = await startServer('noop-server.ts', await sampleAnswer(url));
  await using _noop = noop.child;
  const idleRssBytes = rssBytes(ingestChild.pid);
  const levels: Level[] = [];
  let answered = 1;
  for (const connections of CONNECTIONS) {
    const load = { connections, seconds: quick ? 1 : 6, cpu: LOADER_CPU };
    const inTurn = async (): Promise<Round> => {
      const round = {
        noop: await loadVotes({ ...load, url: noop.url, serverPid: noop.child.pid }),
        ingest: await loadVotes({ ...load, url, serverPid: ingestChild.pid }),
      };
      answered += round.ingest.answered;
      return round;
    };
    say(`${connections} connections: warming up`);
    await inTurn();
    const before = await readIngestBooks(url);
    const fileBefore = logFileBytes(folder);
    const rounds: Round[] = [];
    while (rounds.length < (quick ? 2 : 5)) {
      const round = await inTurn();
      rounds.push(round);
      const { ingest, noop } = round;
      say(`  ${perSecond(ingest.perSecond)} durable, ${perSecond(noop.perSecond)} no-op`);
    }
    const after = await readIngestBooks(url);
    const logged = await readLoggedVotes(folder, before.blocks);
    levels.push({
      connections,
      rounds,
      votesPerBlock: logged.votes / logged.blocks,
      blockBytesPerVote: logged.bytes / logged.votes,
      fileBytesPerVote: (logFileBytes(folder) - fileBefore) / (after.accepted - before.accepted),
      rssBytes: rssBytes(ingestChild.pid),
    });
  }
  const flushAfter = measureFlushTimes(folder);
  const books = await readIngestBooks(url);
  const peakBytes = peakRssBytes(ingestChild.pid);
  await noop.child.stop();
  await ingestChild.stop();
  say('counting and auditing');
  const { counted, logged } = await countedAndAudited(folder);
  // wrk leaves without waiting for the answers under way: accepted may be a few more than it saw.
  const balanced = books.accepted === counted && logged === counted && answered <= counted;
  if (!balanced || books.refused > 0 || books.unknown > 0) {
    throw new Error(`Accepted is not counted: ${JSON.stringify({ answered, books, counted })}`);
  }
  const flushP50Ms = Math.max(flushBefore.p50Ms, flushAfter.p50Ms);
  return {
    figures: [
      noted(
        'Bare flush of 4 KiB, p50 and p99',
        `${milliseconds(flushP50Ms)}, ${milliseconds(Math.max(flushBefore.p99Ms, flushAfter.p99Ms))}`,
      ),
      ...levels.flatMap((level) => levelFigures(level, flushP50Ms)),
      noted('Memory of the ingest process, idle', megabytes(idleRssBytes)),
      atMost('Memory of the ingest process, highest', peakBytes, RSS_BYTES_MAX, megabytes),
      required('Accepted = counted, audit', `${counted.toLocaleString('en-US')} votes`, true),
    ],
    details: { flushBefore, flushAfter, idleRssBytes, peakBytes, answered, books, levels },
  };
}

function levelFigures(level: Level, flushP50Ms: number): Figure[] {
  const { connections, rounds, votesPerBlock, blockBytesPerVote, fileBytesPerVote } = level;
  const at = `at ${connections.toLocaleString('en-US')} connections`;
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const share = of(({ ingest, noop }) => ingest.perSecond / noop.perSecond);
  const p50Ms = of(({ ingest }) => ingest.p50Ms);
  const p99Ms = of(({ ingest }) => ingest.p99Ms);
  const loader = highest(rounds.flatMap(({ ingest, noop }) => [ingest, noop]).map(loaderOf));
  const ratioWhat = `Durable by no-op ${at}, median of rounds`;
  const p50What = `p50 of durable votes ${at}`;
  const p99What = `p99 of durable votes ${at}`;
  return [
    noted(`No-op ${at}`, perSecond(of(({ noop }) => noop.perSecond))),
    noted(`Durable votes ${at}`, perSecond(of(({ ingest }) => ingest.perSecond))),
    connections === 256
      ? atLeast(ratioWhat, share, RATIO_MIN, ratio)
      : noted(ratioWhat, ratio(share)),
    connections === 8
      ? atMost(p50What, p50Ms, flushP50Ms + OVER_FLUSH_MS_MAX, milliseconds)
      : noted(p50What, milliseconds(p50Ms)),
    connections === 256
      ? atMost(p99What, p99Ms, P99_MS_MAX, milliseconds)
      : noted(p99What, milliseconds(p99Ms)),
    noted(
      `CPU time of the server a vote ${at}, no-op and durable`,
      `${of(({ noop }) => noop.serverMicros).toFixed(1)} µs, ` +
        `${of(({ ingest }) => ingest.serverMicros).toFixed(1)} µs`,
    ),
    noted(
      `Log bytes a vote ${at}, in blocks and on disk`,
      `${bytes(blockBytesPerVote)}, ${bytes(fileBytesPerVote)} ` +
        `(${votesPerBlock.toFixed(0)} votes a block)`,
    ),
    noted(`Busiest round of the generator ${at}`, `${percent(loader)} of its core`),
  ];
}

function loaderOf({ loaderPercent }: VoteLoadResult): number {
  return loaderPercent;
}

export const votesPart: Part = {
  name: 'votes',
  title: 'A durable vote against a no-op endpoint (ingest role alone)',
  method:
    'Server and all its threads pinned to one CPU, wrk with one thread pinned to the other. The no-op ' +
    'parses the same JSON body with the same runtime and answers the same bytes. Rounds alternate; ' +
    'every figure is the median of the rounds, the ratio is taken within each round.',
  run,
};
