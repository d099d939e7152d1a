/**
 * Durable votes on a log server against a no-op, and beside them the usual design, a message a vote:
 * round after round in turn, so that whatever else the machine does falls on all three.
 */
import { MemoryLiveTally, MemoryTallyStore } from '../src/adapters/memory/live-tally.ts';
import { PartitionFollower } from '../src/application/counting/partition-follower.ts';
import { TallyCollector } from '../src/application/counting/step-collectors.ts';
import { Child } from './child.ts';
import {
  atLeast,
  count,
  type Figure,
  milliseconds,
  noted,
  percent,
  perSecond,
  ratio,
  required,
} from './figure.ts';
import { readIngestBooks } from './ingest-books.ts';
import { logSettings, openLogOnServer } from './log-on-server.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { cpuSeconds, peakRssBytes } from './process-figures.ts';
import { benchProgram, LOADER_CPU, SERVER_CPU } from './programs.ts';
import { sampleAnswer } from './sample-answer.ts';
import { type BenchServer, startBenchKafka, startBenchRabbitmq } from './servers.ts';
import { highest, median } from './statistics.ts';
import { loadVotes, type VoteLoadResult } from './vote-load.ts';

/**
 * Connections, seconds of warming up, seconds a round and rounds: short enough that the part ends within
 * 90 s. The first level waits for the runtime to have compiled the door, which took 9 µs of CPU time a vote
 * in the first 40,000 votes, 4 µs in the next 77,000 and 1 µs or less later.
 */
const LEVELS = [
  { connections: 256, warmUpSeconds: 5, seconds: 3, rounds: 4 },
  { connections: 8, warmUpSeconds: 1, seconds: 2, rounds: 3 },
] as const;
const RATIO_MIN = 0.65;
const READ_BYTES = 4 << 20;

interface LogServer {
  readonly name: 'kafka' | 'rabbitmq';
  /** What people call it. */
  readonly title: string;
  /** Which server, and what confirms a vote. */
  readonly method: string;
  start(folder: string): Promise<BenchServer>;
}

interface Measured extends VoteLoadResult {
  /** CPU time of the log server a vote, µs. */
  readonly brokerMicros: number;
}

type Contender = 'noop' | 'durable' | 'each';
type Round = Readonly<Record<Contender, Measured>>;

interface Level {
  readonly connections: number;
  readonly rounds: readonly Round[];
  readonly votesPerBlock: number;
}

interface Server {
  readonly child: Child;
  readonly url: string;
}

async function startServer(file: string, ...args: string[]): Promise<Server> {
  const child = new Child(benchProgram(file, ...args), { cpu: SERVER_CPU });
  const [, url = ''] = await child.printed(/^ready (.*)$/m);
  return { child, url };
}

/** What the program's own fold counts in the whole log. */
async function countedIn(url: string): Promise<number> {
  await using log = await openLogOnServer(url);
  const { logId, partitions, dedupWindowMs } = logSettings(url);
  const store = new MemoryLiveTally(new MemoryTallyStore(logId));
  let counted = 0;
  for (let partition = 0; partition < partitions; partition += 1) {
    const collector = () => new TallyCollector();
    const deps = { log, store, partition, dedupWindowMs, seed: 1, collector };
    const follower = new PartitionFollower(deps);
    for (;;) {
      const advance = await follower.advance(READ_BYTES);
      if (advance.kind === 'idle') break;
      counted += advance.step.books.reduce((sum, books) => sum + books.counted, 0);
    }
  }
  return counted;
}

async function run(logServer: LogServer, part: PartRun): Promise<PartResult> {
  const { folder, quick, say } = part;
  say(`starting ${logServer.title}`);
  await using broker = await logServer.start(folder);
  const durable = await startServer('log-ingest-server.ts', broker.url);
  await using _durable = durable.child;
  const answer = await sampleAnswer(durable.url);
  const noop = await startServer('noop-server.ts', answer);
  await using _noop = noop.child;
  const each = await startServer('message-each-server.ts', broker.url, answer);
  await using _each = each.child;
  const servers: readonly (readonly [Contender, Server])[] = [
    ['noop', noop],
    ['durable', durable],
    ['each', each],
  ];
  let answered = 1;
  const inTurn = async (connections: number, seconds: number): Promise<Round> => {
    const measured: Partial<Record<Contender, Measured>> = {};
    for (const [name, { url, child }] of servers) {
      const before = cpuSeconds(broker.pid);
      const load = { url, serverPid: child.pid, connections, seconds, cpu: LOADER_CPU };
      const result = await loadVotes(load);
      const used = cpuSeconds(broker.pid) - before;
      measured[name] = { ...result, brokerMicros: (used / result.answered) * 1e6 };
    }
    const round = measured as Round;
    answered += round.durable.answered;
    return round;
  };
  const levels: Level[] = [];
  for (const { connections, warmUpSeconds, seconds, rounds } of LEVELS) {
    say(`${connections} connections: warming up`);
    await inTurn(connections, quick ? 1 : warmUpSeconds);
    const before = await readIngestBooks(durable.url);
    const measured: Round[] = [];
    while (measured.length < (quick ? 1 : rounds)) {
      const round = await inTurn(connections, quick ? 1 : seconds);
      measured.push(round);
      const rate = (contender: Contender): string => perSecond(round[contender].perSecond);
      say(`  ${rate('noop')} no-op, ${rate('durable')} durable, ${rate('each')} a message a vote`);
    }
    const after = await readIngestBooks(durable.url);
    const votesPerBlock = (after.accepted - before.accepted) / (after.blocks - before.blocks);
    levels.push({ connections, rounds: measured, votesPerBlock });
  }
  const books = await readIngestBooks(durable.url);
  const peakBytes = peakRssBytes(durable.child.pid);
  for (const [, { child }] of servers) await child.stop();
  say('counting');
  const counted = await countedIn(broker.url);
  // wrk leaves without waiting for the answers under way: accepted may be a few more than it saw.
  const balanced = books.accepted === counted && answered <= counted;
  if (!balanced || books.refused > 0 || books.unknown > 0) {
    throw new Error(`Accepted is not counted: ${JSON.stringify({ answered, books, counted })}`);
  }
  return {
    figures: [
      ...levels.flatMap((level) => levelFigures(level, logServer.title)),
      noted('Memory of the ingest process, highest', `${(peakBytes / 1e6).toFixed(0)} MB`),
      required('Accepted = counted, by a fold of the log', `${count(counted)} votes`, true),
    ],
    details: { peakBytes, answered, books, levels },
  };
}

function levelFigures({ connections, rounds, votesPerBlock }: Level, title: string): Figure[] {
  const at = `at ${connections} connections`;
  const of = (pick: (round: Round) => number): number => median(rounds.map(pick));
  const share = (contender: Contender): number =>
    of((round) => round[contender].perSecond / round.noop.perSecond);
  const durableWhat = `Durable by no-op ${at}, median of rounds`;
  const times = (contender: Contender): string =>
    `${milliseconds(of((round) => round[contender].p50Ms))}, ` +
    milliseconds(of((round) => round[contender].p99Ms));
  const cpu = (contender: Contender): string =>
    `${of((round) => round[contender].serverMicros).toFixed(1)} + ` +
    `${of((round) => round[contender].brokerMicros).toFixed(1)} µs`;
  const loader = highest(
    rounds.flatMap((round) => Object.values(round).map(({ loaderPercent }) => loaderPercent)),
  );
  return [
    noted(`No-op ${at}`, perSecond(of(({ noop }) => noop.perSecond))),
    noted(`Durable votes ${at}`, perSecond(of(({ durable }) => durable.perSecond))),
    connections === 256
      ? atLeast(durableWhat, share('durable'), RATIO_MIN, ratio)
      : noted(durableWhat, ratio(share('durable'))),
    noted(`The usual design, a message a vote, ${at}`, perSecond(of(({ each }) => each.perSecond))),
    noted(`The usual design by no-op ${at}, median of rounds`, ratio(share('each'))),
    noted(
      `Durable by the usual design ${at}, median of rounds`,
      ratio(of(({ durable, each }) => durable.perSecond / each.perSecond)),
    ),
    noted(`p50 and p99 of durable votes ${at}`, times('durable')),
    noted(`p50 and p99 of the usual design ${at}`, times('each')),
    noted(`CPU time a vote of the server + ${title} ${at}, durable`, cpu('durable')),
    noted(`CPU time a vote of the server + ${title} ${at}, the usual design`, cpu('each')),
    noted(`CPU time a vote of the server ${at}, no-op`, cpu('noop').replace(/ \+.*/, ' µs')),
    noted(`Votes a block ${at}`, votesPerBlock.toFixed(1)),
    noted(`Busiest round of the generator ${at}`, `${percent(loader)} of its core`),
  ];
}

function partOf(server: LogServer): Part {
  return {
    name: server.name,
    title: `Durable votes on one ${server.title} node against a no-op endpoint`,
    method:
      `${server.method} The door of \`apura ingest\`, the no-op and the usual design are ` +
      'pinned to one CPU, wrk with one thread to the other; the log server runs on both, beside them. ' +
      `Warmed up for ${LEVELS[0].warmUpSeconds} s each. Rounds alternate; every figure is ` +
      'the median of the rounds, ratios are taken within each round.',
    run: (part) => run(server, part),
  };
}

export const kafkaPart = partOf({
  name: 'kafka',
  title: 'Kafka',
  method: 'Kafka 4.1 in KRaft mode with 384 MB of heap; 12 partitions, acks=all.',
  start: startBenchKafka,
});

export const rabbitmqPart = partOf({
  name: 'rabbitmq',
  title: 'RabbitMQ',
  method: 'RabbitMQ with stream queues over AMQP; 4 partitions, publisher confirms.',
  start: startBenchRabbitmq,
});
