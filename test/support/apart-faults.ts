/** What can befall an installation with its roles apart, and what shows that it is over. */
import { Redis } from 'ioredis';
import { SESSION_MS } from '../../src/ports/partition-ownership.ts';
import type { Fault, RunningDrill } from './apart-drill.ts';
import type { KafkaServer } from './kafka-server.ts';
import { waitUntil } from './wait-until.ts';

type Store = 'tally' | 'ledger';

/** How long a server that was killed stays away: long enough to be missed. */
const AWAY_MS = 2_000;
const STORES: readonly Store[] = ['tally', 'ledger'];

/** kill -9 of a door while the log holds votes of it that it has not confirmed: they are logged all the same. */
export function killDoorBeforeConfirmation(name: string): Fault {
  return {
    name: `kill -9 ${name} before the log has confirmed`,
    async strike({ apart, votesGoOn }) {
      const { nodes } = kafkaOf(apart.kafka);
      const door = apart.clientOf(name);
      for (const node of nodes) node.pause();
      try {
        await waitUntil('votes wait for the log', async () => {
          return (await door.metric('apura_votes_pending')) > 0;
        });
        await apart.kill(name);
      } finally {
        for (const node of nodes) node.resume();
      }
      await votesGoOn();
      await apart.restart(name);
    },
  };
}

/** kill -9 of workers; others take their partitions and count all that is acknowledged. */
export function killWorkers(number: number): Fault {
  const names = STORES.map((store) => `${store}-${number}`);
  return {
    name: `kill -9 ${names.join(', ')}`,
    async strike(drill) {
      for (const name of names) await drill.apart.kill(name);
      await allHaveCounted(drill);
      for (const name of names) await drill.apart.restart(name);
    },
  };
}

/** kill -9 of a process that votes need not wait for, and its start: of a door others take votes meanwhile. */
export function killAndRestart(name: string): Fault {
  return {
    name: `kill -9 ${name}`,
    async strike({ apart, votesGoOn }) {
      await apart.kill(name);
      await votesGoOn();
      await apart.restart(name);
    },
  };
}

/** Stops workers for longer than their session: others take over, and who wakes up writes nothing wrong. */
export function stallWorkers(number: number): Fault {
  const names = STORES.map((store) => `${store}-${number}`);
  return {
    name: `SIGSTOP ${names.join(', ')} beyond their session`,
    async strike(drill) {
      const { apart } = drill;
      const stoppedAt = performance.now();
      for (const name of names) await apart.kill(name, 'SIGSTOP');
      // All of the votes by now: so the partitions of those who are stopped have owners again.
      await allHaveCounted(drill);
      await waitUntil('the session is over', () => performance.now() - stoppedAt > SESSION_MS);
      await allHaveCounted(drill);
      for (const name of names) await apart.kill(name, 'SIGCONT');
      await drill.votesGoOn();
      await allHaveCounted(drill);
      for (const name of names) {
        if (!apart.process(name).isRunning) throw new Error(`${name} has ended.`);
      }
    },
  };
}

/** A worker of each store more, and then fewer again. */
export const addAndRemoveWorkers: Fault = {
  name: 'a worker of each store added and removed',
  async strike(drill) {
    const { apart } = drill;
    const added = await Promise.all(STORES.map((store) => apart.start(store)));
    await Promise.all(added.map((name) => ownsSomething(drill, name)));
    await allHaveCounted(drill);
    await Promise.all(added.map((name) => apart.remove(name)));
    await allHaveCounted(drill);
  },
};

/** kill -9 of one broker of three; votes go on without it. */
export function killBroker(at: number): Fault {
  return {
    name: `kill -9 Kafka broker ${at + 1}`,
    async strike(drill) {
      const node = kafkaOf(drill.apart.kafka).nodes[at];
      if (node === undefined) throw new Error(`There is no broker ${at + 1}.`);
      await node.kill();
      await drill.votesGoOn();
      await allHaveCounted(drill);
      await node.start();
    },
  };
}

/** kill -9 of the one RabbitMQ node: doors answer no or unknown until it is there again. */
export const killRabbitmq: Fault = {
  name: 'kill -9 RabbitMQ',
  async strike(drill) {
    const { rabbitmq } = drill.apart;
    if (rabbitmq === null) throw new Error('The log is not on RabbitMQ.');
    await rabbitmq.kill();
    await rabbitmq.start();
    await drill.votesGoOn();
    await allHaveCounted(drill);
  },
};

export const killRedis: Fault = {
  name: 'kill -9 Redis',
  async strike(drill) {
    const { redis } = drill.apart;
    await redis.kill();
    await drill.votesGoOn();
    await stayAway();
    await redis.start();
    await drill.hasCounted('tally');
  },
};

export const flushRedis: Fault = {
  name: 'FLUSHALL',
  async strike(drill) {
    await using redis = openRedis(drill.apart.redis.url);
    await redis.client.flushall();
    await drill.hasCounted('tally');
  },
};

export const killPostgres: Fault = {
  name: 'kill -9 Postgres',
  async strike(drill) {
    const { postgres } = drill.apart;
    await postgres.stop();
    await drill.votesGoOn();
    await stayAway();
    await postgres.start();
    await drill.hasCounted('ledger');
  },
};

/** A connection of the test's own. */
export function openRedis(url: string): AsyncDisposable & { readonly client: Redis } {
  const client = new Redis(url);
  return {
    client,
    async [Symbol.asyncDispose]() {
      await client.quit();
    },
  };
}

async function allHaveCounted({ hasCounted }: RunningDrill): Promise<void> {
  await Promise.all(STORES.map((store) => hasCounted(store)));
}

/** Waits until a worker has partitions of its own. */
async function ownsSomething({ apart }: RunningDrill, name: string): Promise<void> {
  const client = apart.clientOf(name);
  await waitUntil(`${name} has partitions`, async () => {
    const { text } = await client.mustBe(200, '/metrics');
    return /^apura_worker_partitions\{[^}]*"working"\} [1-9]/m.test(text);
  });
}

async function stayAway(): Promise<void> {
  const until = performance.now() + AWAY_MS;
  await waitUntil('the server was missed', () => performance.now() >= until);
}

function kafkaOf(kafka: KafkaServer | null): KafkaServer {
  if (kafka === null) throw new Error('The log is not on Kafka.');
  return kafka;
}
