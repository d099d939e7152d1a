import { afterAll, beforeAll, expect, test } from 'bun:test';
import { lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { rabbitmqOwnership } from '../../../test/support/rabbitmq-harness.ts';
import { type RabbitmqServer, startRabbitmq } from '../../../test/support/rabbitmq-server.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { partitionOwnershipContract } from '../../ports/partition-ownership.contract.ts';
import { SESSION_MS } from '../../ports/partition-ownership.ts';
import { joinRabbitmqGroup } from './partition-ownership.ts';

const START_TIMEOUT_MS = 60_000;
const TEST_TIMEOUT_MS = 90_000;

let server: RabbitmqServer;

beforeAll(async () => {
  server = await startRabbitmq();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

partitionOwnershipContract(
  'RabbitMQ',
  rabbitmqOwnership(() => server.url),
);

test(
  'a member owns nothing before RabbitMQ may give it up, and shares again after a restart',
  async () => {
    await using proxy = await lossyProxy(server.url);
    const group = { logId: crypto.randomUUID(), role: 'tally', partitions: 4 };
    await using cutOff = await joinRabbitmqGroup({ url: proxy.url, ...group });
    await using other = await joinRabbitmqGroup({ url: server.url, ...group });
    await waitUntil('both have a share', () => cutOff.owned.size === 2 && other.owned.size === 2);
    proxy.goSilent();
    await waitUntil('it knows that it is cut off', () => cutOff.owned.size === 0, SESSION_MS);
    expect(cutOff.trouble).not.toBe(null);
    await waitUntil('the other takes over', () => other.owned.size === 4);
    await server.kill();
    await waitUntil('nothing is owned of a node that is gone', () => other.owned.size === 0);
    await server.start();
    await waitUntil('it is there again', () => other.owned.size === 4 && other.trouble === null);
  },
  TEST_TIMEOUT_MS,
);
