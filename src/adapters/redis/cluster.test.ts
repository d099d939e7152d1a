/** Holds the adapters of Redis to the promises of their ports on a cluster of three nodes. */
import { afterAll, beforeAll, expect, test } from 'bun:test';
import { Redis } from 'ioredis';
import { memoryLiveTally } from '../../../test/support/memory-harness.ts';
import { type RedisCluster, startRedisCluster } from '../../../test/support/redis-cluster.ts';
import { count, step } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { liveTallyContract } from '../../ports/live-tally.contract.ts';
import type { LiveTally } from '../../ports/live-tally.ts';
import { processReportsContract } from '../../ports/process-reports.contract.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { tallyChangesContract } from '../../ports/tally-changes.contract.ts';
import { openRedisLiveTally } from './live-tally.ts';
import { openRedisProcessReports } from './process-reports.ts';
import { openRedisTallyChanges } from './tally-changes.ts';

let cluster: RedisCluster;
let stores = 0;

beforeAll(async () => {
  cluster = await startRedisCluster();
});

afterAll(async () => {
  await cluster[Symbol.asyncDispose]();
});

const PARTITIONS = 12;
const optionsOf = (keyPrefix: string) => ({ url: cluster.url, logId: LOG_ID, keyPrefix });

liveTallyContract(
  'redis cluster',
  async () => {
    stores += 1;
    const options = optionsOf(`cluster-${stores}`);
    let handles: LiveTally[] = [];
    const drop = async (): Promise<void> => {
      for (const handle of handles) await handle[Symbol.asyncDispose]();
      handles = [];
    };
    return {
      async open(logId = LOG_ID) {
        const handle = await openRedisLiveTally({ ...options, logId });
        handles.push(handle);
        return handle;
      },
      crash: drop,
      [Symbol.asyncDispose]: drop,
    };
  },
  memoryLiveTally,
);

tallyChangesContract('redis cluster', async () => {
  stores += 1;
  const options = optionsOf(`cluster-${stores}`);
  const handles = new AsyncDisposableStack();
  return {
    openTally: async () => handles.use(await openRedisLiveTally(options)),
    openChanges: async (partitions) =>
      handles.use(await openRedisTallyChanges({ ...options, partitions })),
    async breakConnections(meanwhile) {
      for (const { url } of cluster.nodes) {
        const admin = new Redis(url);
        await admin.call('CLIENT', 'KILL', 'TYPE', 'pubsub');
        admin.disconnect();
      }
      await meanwhile();
    },
    [Symbol.asyncDispose]: () => handles.disposeAsync(),
  };
});

processReportsContract('redis cluster', async () => {
  stores += 1;
  const options = { url: cluster.url, keyPrefix: `cluster-${stores}` };
  const handles = new AsyncDisposableStack();
  return {
    open: async () => handles.use(await openRedisProcessReports(options)),
    [Symbol.asyncDispose]: () => handles.disposeAsync(),
  };
});

test('partitions spread over the nodes, and a node that dies and comes back takes steps again', async () => {
  stores += 1;
  const options = optionsOf(`cluster-${stores}`);
  await using tally = await openRedisLiveTally(options);
  await using changes = await openRedisTallyChanges({ ...options, partitions: PARTITIONS });
  const commitAll = async (from: number): Promise<void> => {
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await waitUntil(`partition ${partition} to take a step`, async () => {
        const { epoch, checkpoint } = await tally.takeOver(partition);
        if (checkpoint.nextOffset > from) return true;
        const counts = [count({ count: partition })];
        return (await tally.commit({ ...step({ epoch, from, counts }), partition })) === 'applied';
      });
    }
  };
  await commitAll(0);
  const sizes = await Promise.all(
    cluster.nodes.map(async ({ url }) => {
      const admin = new Redis(url);
      const { length } = await admin.keys(`{cluster-${stores}:*:state`);
      admin.disconnect();
      return length;
    }),
  );
  expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(PARTITIONS);
  expect(sizes.filter((size) => size > 0)).toHaveLength(3);
  await cluster.nodes[1]?.restart();
  await commitAll(1);
  const positions = await waitUntil('all nodes to answer', () => changes.positions());
  expect(positions).toEqual(Array(PARTITIONS).fill(2));
});
