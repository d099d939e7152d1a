/**
 * The soak of the roles apart: rounds of every fault in an order of chance, for as many hours as are asked
 * for, on one installation that lives through them all.
 */
import { type DrillReport, drillApart } from '../test/support/apart-drill.ts';
import {
  addAndRemoveWorkers,
  flushRedis,
  killAndRestart,
  killBroker,
  killDoorBeforeConfirmation,
  killPostgres,
  killRedis,
  killWorkers,
  stallWorkers,
} from '../test/support/apart-faults.ts';
import { startApart } from '../test/support/installation-apart.ts';
import { SeededRandom } from '../test/support/seeded-random.ts';
import { count, milliseconds, noted, required, seconds } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { SoakTime } from './soak-time.ts';

const RATE = 500;
const ROUNDS = 4;
const FAULTS = [
  ...[1, 2].flatMap((number) => [
    killAndRestart(`ingest-${number}`),
    killDoorBeforeConfirmation(`ingest-${number}`),
    killWorkers(number),
    stallWorkers(number),
    killAndRestart(`query-${number}`),
  ]),
  ...[0, 1, 2].map((at) => killBroker(at)),
  killAndRestart('sync-1'),
  killRedis,
  flushRedis,
  killPostgres,
  addAndRemoveWorkers,
];

export const soakApartPart: Part = {
  name: 'soak-apart',
  title: 'Every part killed under load',
  method:
    `${count(RATE)} votes/s with retries go on while every process, Kafka broker and store is killed ` +
    'with SIGKILL, workers are stopped beyond their session, Redis is flushed, and workers come and go, in ' +
    'an order of chance. Each round ends with the ledger held against the votes id by id, sync saying ' +
    'consistent within 30 s and `apura audit` ending with 0.',
  run,
};

async function run({ quick, say }: PartRun): Promise<PartResult> {
  const time = new SoakTime(quick ? 1 : ROUNDS);
  const random = new SeededRandom();
  say(`SEED=${random.seed}`);
  await using apart = await startApart({
    log: 'kafka',
    kafkaNodes: 3,
    roles: { ingest: 2, tally: 2, ledger: 2, query: 2 },
  });
  const rounds: DrillReport[] = [];
  while (time.goesOn(rounds.length)) {
    const report = await drillApart(apart, {
      poll: `round-${rounds.length + 1}`,
      ratePerSecond: RATE,
      faults: random.shuffled(FAULTS),
      tag: random.below(2 ** 32),
      onFault: (name, tookMs) => say(`  ${name}: ${seconds(tookMs / 1_000)}`),
    });
    rounds.push(report);
    say(`round ${rounds.length}: ${JSON.stringify(report)}`);
  }
  const sum = (figure: (report: DrillReport) => number): number =>
    rounds.reduce((total, report) => total + figure(report), 0);
  const consistentMsMax = Math.max(...rounds.map(({ consistentMs }) => consistentMs));
  const unknown = sum((report) => report.unknown);
  return {
    figures: [
      required('faults, without a vote lost or counted twice', count(sum((r) => r.faults)), true),
      noted('votes acknowledged, each counted once', count(sum((r) => r.counted))),
      required('votes of unknown outcome, settled by a retry', count(unknown), unknown > 0),
      noted('tries in the log beside the one that counts', count(sum((r) => r.duplicates))),
      noted('from the last vote until all was consistent, at most', milliseconds(consistentMsMax)),
      noted('duration', seconds(time.elapsedSeconds)),
    ],
    details: { seed: random.seed, rounds },
  };
}
