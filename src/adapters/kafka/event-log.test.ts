import { afterAll, beforeAll } from 'bun:test';
import { kafkaEventLog } from '../../../test/support/kafka-harness.ts';
import { type KafkaServer, startKafka } from '../../../test/support/kafka-server.ts';
import { memoryEventLog } from '../../../test/support/memory-harness.ts';
import { eventLogContract } from '../../ports/event-log.contract.ts';

let server: KafkaServer;

beforeAll(async () => {
  server = await startKafka();
});

afterAll(async () => {
  await server[Symbol.asyncDispose]();
});

eventLogContract(
  'kafka',
  kafkaEventLog(() => server),
  memoryEventLog,
);
