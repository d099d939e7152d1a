import { afterAll, beforeAll } from 'bun:test';
import {
  type CassandraHarness,
  cassandraHarness,
} from '../../../test/support/cassandra-harness.ts';
import { archiveContract } from '../../ports/archive.contract.ts';

const START_TIMEOUT_MS = 150_000;
let cassandra: CassandraHarness;

beforeAll(async () => {
  cassandra = await cassandraHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await cassandra[Symbol.asyncDispose]();
});

archiveContract('Cassandra', async () => cassandra.create());
