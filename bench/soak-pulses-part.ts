/**
 * The soak of metering: rounds of every fault in an order of chance, for as many hours as are asked for, on
 * one installation that lives through them all, with rating gone for a minute at a time.
 */
import { startApart } from '../test/support/installation-apart.ts';
import { makeContracts, PulseSenders } from '../test/support/pulse-drill.ts';
import { PULSE_FAULTS, settleExactly } from '../test/support/pulse-faults.ts';
import { SeededRandom } from '../test/support/seeded-random.ts';
import { count, noted, required, seconds } from './figure.ts';
import type { Part, PartResult, PartRun } from './part.ts';
import { SoakTime } from './soak-time.ts';

const ROUNDS = 2;
const PARTITIONS = 3;
const RATING_AWAY_MS = 60_000;
/** Some 150 pulses/s in all: a night's fit into the senders' books. */
const PAUSE_MS = 1_000;

export const soakPulsesPart: Part = {
  name: 'soak-pulses',
  title: 'Every part of metering killed under load',
  method:
    'Pulses with retries, repetitions and contradictions go on while doors, the aggregation, rating, ' +
    'Kafka and Postgres are killed with SIGKILL or stopped beyond a session, in an order of chance; rating ' +
    `stays away for ${RATING_AWAY_MS / 1_000} s, once with usage coming by the broker and once by gRPC. At ` +
    'the end pulses, conflicts, usage and charges are held against the senders’ books to the last decimal, ' +
    'and `apura audit` ends with 0.',
  run,
};

async function run({ quick, say }: PartRun): Promise<PartResult> {
  const time = new SoakTime(quick ? 1 : ROUNDS);
  const random = new SeededRandom();
  say(`SEED=${random.seed}`);
  await using apart = await startApart({
    log: 'kafka',
    roles: { tally: 0, ledger: 0, sync: 0, aggregate: 2, rate: 1 },
    partitions: PARTITIONS,
    env: { APURA_AGGREGATE_EVERY: '200ms' },
  });
  await makeContracts(apart.client);
  await using senders = new PulseSenders({
    doors: () => ['ingest-1', 'query-1'].map((name) => apart.process(name)),
    token: apart.token,
    seed: random.seed,
    pauseMs: PAUSE_MS,
  });
  const drill = { apart, senders, ratingAwayMs: quick ? 0 : RATING_AWAY_MS };
  let [rounds, faults] = [0, 0];
  while (time.goesOn(rounds)) {
    for (const { name, strike } of random.shuffled(PULSE_FAULTS)) {
      const struckAt = performance.now();
      await strike(drill).catch((error: unknown) => {
        throw new Error(`${name}: ${error}\n${apart.logs}`, { cause: error });
      });
      faults += 1;
      say(`  ${name}: ${seconds((performance.now() - struckAt) / 1_000)}`);
    }
    rounds += 1;
    say(`round ${rounds}: ${JSON.stringify(senders.figures)}`);
  }
  const figures = await settleExactly(senders, apart.client, () => apart.audit());
  const { acknowledged, unknown, duplicates, contradicted, rejected } = figures;
  return {
    figures: [
      required('faults, without a pulse lost or counted twice', count(faults), true),
      noted('pulses acknowledged, each counted once and charged', count(acknowledged)),
      required('tries of unknown outcome, settled by a retry', count(unknown), unknown > 0),
      noted('duplicates that were told as such', count(duplicates)),
      noted('conflicts that were listed', count(contradicted)),
      noted('pulses rejected', count(rejected)),
      noted('duration', seconds(time.elapsedSeconds)),
    ],
    details: { seed: random.seed, rounds, figures },
  };
}
