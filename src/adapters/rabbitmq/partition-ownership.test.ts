import { afterAll, beforeAll } from 'bun:test';
import { rabbitmqOwnership } from '../../../test/support/rabbitmq-harness.ts';
import { type RabbitmqServer, startRabbitmq } from '../../../test/support/rabbitmq-server.ts';
import { partitionOwnershipContract } from '../../ports/partition-ownership.contract.ts';

const START_TIMEOUT_MS = 60_000;

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
