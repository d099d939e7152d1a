import { afterAll, beforeAll } from 'bun:test';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { rabbitmqEventLog } from '../../../test/support/rabbitmq-harness.ts';
import { type RabbitmqServer, startRabbitmq } from '../../../test/support/rabbitmq-server.ts';
import { eventLogContract } from '../../ports/event-log.contract.ts';

const START_TIMEOUT_MS = 60_000;

let server: RabbitmqServer;

beforeAll(async () => {
  server = await startRabbitmq();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

eventLogContract(
  'RabbitMQ',
  rabbitmqEventLog(() => server.url),
  memoryEventLog,
);
