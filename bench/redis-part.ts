/** What the live tally on Redis takes: fenced steps of one block, and the votes of a real tally worker. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { openRedisLiveTally } from '../src/adapters/redis/live-tally.ts';
import type { LiveTally, TallyStep } from '../src/ports/live-tally.ts';
import { atLeast, type Figure, noted, perSecond, ratio, required } from './figure.ts';
import { followLog } from './followed-log.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { cpuSeconds } from './process-figures.ts';
import { startBenchRedis } from './servers.ts';
import { median } from './statistics.ts';
import { writeSyntheticLog } from './synthetic-log.ts';

const PARTITIONS = 12;
/** Steps of a partition that are sent before the first of them is answered. */
const PIPELINED = [1, 8] as const;
const VOTES_PER_STEP = 300;
const STEPS_PER_MINUTE = 2_000;
const FIRST_MINUTE = 29_000_000;
const MINUTE_MS = 60_000;
const KEYS = ['ana', 'davi', 'marina'].map((item) => ({
  scope: 'demo',
  item,
  lane: 'valid' as const,
}));
const BLOCKS_PER_SECOND_MIN = 20_000;
const VOTES_PER_BLOCK = 500;
const REPEAT_EVERY = 100;

function stepOf(partition: number, epoch: number, from: number): TallyStep {
  const minute = FIRST_MINUTE + Math.floor(from / STEPS_PER_MINUTE);
  const sums = { logged: VOTES_PER_STEP, counted: VOTES_PER_STEP };
  return {
    partition,
    epoch,
    from,
    checkpoint: {
      nextOffset: from + 1,
      logTime: minute * MINUTE_MS,
      windowStartOffset: 0,
      lastBlockCrc: 1,
    },
    acceptedFrom: minute * MINUTE_MS,
    counts: KEYS.map((key) => ({ ...key, minute, count: VOTES_PER_STEP / KEYS.length })),
    books: [{ scope: 'demo', ...sums, duplicate: 0, expired: 0, late: 0, voided: 0 }],
    closes: [],
    acts: [],
  };
}

/** Steps of one block in every partition at once, from `from` on. @throws where one is not applied. */
async function applySteps(
  tally: LiveTally,
  epochs: readonly number[],
  range: { readonly from: number; readonly to: number; readonly pipelined: number },
): Promise<void> {
  const { from, to, pipelined } = range;
  const feeds = epochs.map(async (epoch, partition) => {
    const underWay: ReturnType<LiveTally['commit']>[] = [];
    const settle = async (atMost: number): Promise<void> => {
      while (underWay.length > atMost) {
        const outcome = await underWay.shift();
        if (outcome !== 'applied') throw new Error(`A step was ${outcome}.`);
      }
    };
    for (let offset = from; offset < to; offset += 1) {
      underWay.push(tally.commit(stepOf(partition, epoch, offset)));
      await settle(pipelined - 1);
    }
    await settle(0);
  });
  await Promise.all(feeds);
}

/** @throws where the counts are not what was applied. */
async function checkCounts(tally: LiveTally, steps: number): Promise<number> {
  let votes = 0;
  for (let partition = 0; partition < PARTITIONS; partition += 1) {
    const { counts } = await tally.read(partition);
    votes += counts.reduce((sum, { count }) => sum + count, 0);
  }
  if (votes !== steps * PARTITIONS * VOTES_PER_STEP) {
    throw new Error(`${votes} votes after ${steps} steps a partition.`);
  }
  return votes;
}

async function run({ folder, quick, say }: PartRun): Promise<PartResult> {
  const [steps, rounds, votes] = quick ? [500, 2, 500_000] : [4_000, 5, 5_000_000];
  await using server = await startBenchRedis(folder);
  const rates = new Map<number, number[]>(PIPELINED.map((pipelined) => [pipelined, []]));
  const micros: { server: number; client: number }[] = [];
  let done = 0;
  let counted = 0;
  {
    await using tally = await openRedisLiveTally({
      url: server.url,
      logId: 'blocks',
      keyPrefix: 'b',
    });
    const epochs: number[] = [];
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      epochs.push((await tally.takeOver(partition)).epoch);
    }
    for (let round = 0; round <= rounds; round += 1) {
      for (const pipelined of PIPELINED) {
        const startedAt = performance.now();
        const [serverBefore, clientBefore] = [cpuSeconds(server.pid), process.cpuUsage()];
        await applySteps(tally, epochs, { from: done, to: done + steps, pipelined });
        done += steps;
        const blocks = steps * PARTITIONS;
        const rate = (blocks / (performance.now() - startedAt)) * 1_000;
        say(`  ${perSecond(rate)} blocks, ${pipelined} under way a partition`);
        // The first round is the warm-up.
        if (round === 0) continue;
        rates.get(pipelined)?.push(rate);
        if (pipelined === 1) continue;
        const { user, system } = process.cpuUsage(clientBefore);
        const serverMicros = ((cpuSeconds(server.pid) - serverBefore) / blocks) * 1e6;
        micros.push({ server: serverMicros, client: (user + system) / blocks });
      }
    }
    counted = await checkCounts(tally, done);
  }
  say(`a tally worker and ${votes.toLocaleString('en-US')} votes`);
  const into = join(folder, 'log');
  mkdirSync(into);
  const endsAt = Date.now();
  const log = { folder: into, votes, votesPerBlock: VOTES_PER_BLOCK, endsAt };
  const { repeats } = await writeSyntheticLog({ ...log, repeatEvery: REPEAT_EVERY });
  // In turn, each from the start of the log: on Redis, and in the SQLite of `serve`.
  const onRedis = await followLog('tally', into, server.url);
  const onSqlite = await followLog('tally', into);
  for (const followed of [onRedis, onSqlite]) {
    if (followed.counted === votes && followed.duplicate === repeats) continue;
    throw new Error(`The worker miscounts: ${JSON.stringify({ votes, repeats, followed })}`);
  }
  const rateOf = ({ elapsedMs }: typeof onRedis): number => ((votes + repeats) / elapsedMs) * 1_000;
  const of = (pick: (one: { server: number; client: number }) => number): string =>
    `${median(micros.map(pick)).toFixed(1)} µs`;
  const figures: Figure[] = [
    noted(
      'Fenced steps of one block, one under way a partition',
      perSecond(median(rates.get(PIPELINED[0]) ?? [])),
    ),
    atLeast(
      `Fenced steps of one block, ${PIPELINED[1]} under way a partition`,
      median(rates.get(PIPELINED[1]) ?? []),
      BLOCKS_PER_SECOND_MIN,
      perSecond,
    ),
    noted(
      'CPU time a block of the worker + Redis, pipelined',
      `${of(({ client }) => client)} + ${of(({ server: redis }) => redis)}`,
    ),
    noted('Tally worker on Redis from a filled log', perSecond(rateOf(onRedis))),
    noted('Tally worker on SQLite from the same log', perSecond(rateOf(onSqlite))),
    noted('Redis by SQLite', ratio(rateOf(onRedis) / rateOf(onSqlite))),
    required('Counts read back = applied', `${counted.toLocaleString('en-US')} votes`, true),
  ];
  const measured = { rates: Object.fromEntries(rates), micros, onRedis, onSqlite };
  return { figures, details: { steps: done, ...measured } };
}

export const redisPart: Part = {
  name: 'redis',
  title: 'The live tally on Redis',
  method:
    `Redis with the settings that Apura ships. One process commits steps of one block (three options, ${VOTES_PER_STEP} ` +
    `votes) in ${PARTITIONS} partitions, each step fenced and aligned by one script; nothing is pinned, rounds ` +
    'alternate, the median is told. The worker is a process pinned to one CPU that follows a log of blocks ' +
    `of ${VOTES_PER_BLOCK} votes with the step size of \`apura tally\`, every ${REPEAT_EVERY}th vote twice.`,
  run,
};
