/** What can befall metering with its roles apart, for the crash test and the soak, and how to see that nothing is missing. */
import { SESSION_MS } from '../../src/ports/partition-ownership.ts';
import type { ApiClient } from './api-client.ts';
import type { Audit } from './installation.ts';
import type { InstallationApart } from './installation-apart.ts';
import {
  booksOf,
  meteringState,
  nothingWaits,
  type PulseSenders,
  type SenderFigures,
} from './pulse-drill.ts';
import { waitUntil } from './wait-until.ts';

/** Two aggregating processes, one that rates, and doors in `ingest-1` and `query-1`. */
export interface PulseDrill {
  readonly apart: InstallationApart;
  readonly senders: PulseSenders;
  /** How long the rating service is gone at least, each time, ms. */
  readonly ratingAwayMs: number;
}

export interface PulseFault {
  readonly name: string;
  /** Left out: it can strike whatever the log is on. */
  readonly on?: 'kafka';
  /** Strikes, and resolves once all that was acknowledged meanwhile is counted. */
  strike(drill: PulseDrill): Promise<void>;
}

/** So many acknowledged pulses are no leftovers of what was under way. */
export const PULSES_BETWEEN = 300;
const DIFFERENCES_SHOWN = 10;

export const PULSE_FAULTS: readonly PulseFault[] = [
  {
    name: 'kill -9 of a door while the log has not confirmed',
    on: 'kafka',
    async strike(drill) {
      const [broker] = drill.apart.kafka?.nodes ?? [];
      broker?.pause();
      try {
        await drill.senders.isLeftInDoubt();
        await drill.apart.kill('ingest-1');
      } finally {
        broker?.resume();
      }
      await goOn(drill);
      await drill.apart.restart('ingest-1');
    },
  },
  {
    name: 'kill -9 of the process that answers questions, a door too',
    async strike(drill) {
      await drill.apart.kill('query-1');
      await drill.senders.acknowledges(PULSES_BETWEEN);
      await drill.apart.restart('query-1');
      await hasCounted(drill);
    },
  },
  {
    name: 'kill -9 of an aggregating process',
    async strike(drill) {
      const [name] = aggregating(drill);
      await drill.apart.kill(name);
      await goOn(drill);
      await drill.apart.restart(name);
    },
  },
  {
    name: 'rating dead while usage comes in by the broker',
    async strike(drill) {
      await ratingIsAway(drill, async () => {
        const { usageBehind, usagePending } = await meteringState(drill.apart.client);
        return usageBehind > 0 && usagePending === 0;
      });
    },
  },
  {
    name: 'kill -9 of the broker',
    async strike(drill) {
      const { kafka, rabbitmq } = drill.apart;
      const broker = kafka?.nodes[0] ?? rabbitmq;
      await broker?.kill();
      await broker?.start();
      await goOn(drill);
    },
  },
  {
    name: 'kill -9 of Postgres',
    async strike(drill) {
      await drill.apart.postgres.stop();
      await drill.senders.acknowledges(PULSES_BETWEEN);
      await drill.apart.postgres.start();
      await goOn(drill);
    },
  },
  {
    name: 'SIGSTOP of an aggregating process beyond its session',
    async strike(drill) {
      const [, name] = aggregating(drill);
      const stoppedAt = performance.now();
      await drill.apart.kill(name, 'SIGSTOP');
      await goOn(drill);
      await waitUntil('the session is over', () => performance.now() - stoppedAt > SESSION_MS);
      await goOn(drill);
      await drill.apart.kill(name, 'SIGCONT');
      await goOn(drill);
      if (!drill.apart.process(name).isRunning) throw new Error(`${name} has ended.`);
    },
  },
  {
    name: 'rating dead while usage comes to it by gRPC',
    async strike(drill) {
      const { grpcUrl } = drill.apart.process('rate-1');
      await aggregateBy(drill, { APURA_USAGE_TRANSPORT: 'grpc', APURA_RATING_URL: grpcUrl });
      await goOn(drill);
      await ratingIsAway(drill, async () => {
        return (await meteringState(drill.apart.client)).usagePending > 0;
      });
      await aggregateBy(drill, {});
    },
  },
];

/** Sends on, and waits until all that is acknowledged by then is counted. */
export async function goOn(drill: PulseDrill): Promise<void> {
  await drill.senders.acknowledges(PULSES_BETWEEN);
  await hasCounted(drill);
}

/**
 * Waits until all is settled, and holds it against the senders' books and the log's own fold.
 *
 * @throws what differs.
 */
export async function settleExactly(
  senders: PulseSenders,
  client: ApiClient,
  audit: () => Promise<Audit>,
): Promise<SenderFigures & { readonly duplicates: number }> {
  await senders.settle();
  await nothingWaits(client);
  const found = await senders.differences(client);
  if (found.length > 0) throw new Error(found.slice(0, DIFFERENCES_SHOWN).join('\n'));
  const { exitCode, stderr } = await audit();
  if (exitCode !== 0) throw new Error(`The audit has ended with ${exitCode}: ${stderr}`);
  const { partitions } = await meteringState(client);
  const idle = partitions.filter(({ books }) => books.counted === 0);
  if (idle.length > 0) throw new Error(`${idle.length} partitions had no pulse to lose.`);
  return { ...senders.figures, duplicates: booksOf(await meteringState(client)).duplicates };
}

async function hasCounted({ apart, senders }: PulseDrill): Promise<void> {
  const goal = senders.acknowledged;
  await waitUntil(`${goal} pulses are counted`, async () => {
    return booksOf(await meteringState(apart.client)).counted >= goal;
  });
}

/** Kills the rating service, and starts it again when usage waits for it and it was away long enough. */
async function ratingIsAway(drill: PulseDrill, usageWaits: () => Promise<boolean>): Promise<void> {
  const killedAt = performance.now();
  await drill.apart.kill('rate-1');
  await goOn(drill);
  await waitUntil('usage waits for rating', usageWaits);
  while (performance.now() - killedAt < drill.ratingAwayMs) await goOn(drill);
  await drill.apart.restart('rate-1');
  await goOn(drill);
}

/** Ends them in peace and starts as many others: what these have not sent on, those do. */
async function aggregateBy(
  { apart }: PulseDrill,
  settings: Readonly<Record<string, string>>,
): Promise<void> {
  const names = apart.processes.filter(({ role }) => role === 'aggregate').map(({ name }) => name);
  await Promise.all(names.map((name) => apart.remove(name)));
  await Promise.all(names.map(() => apart.start('aggregate', settings)));
}

function aggregating({ apart }: PulseDrill): readonly [string, string] {
  const [first, second] = apart.processes.filter(({ role }) => role === 'aggregate');
  if (first === undefined || second === undefined) throw new Error('Two are to aggregate.');
  return [first.name, second.name];
}
