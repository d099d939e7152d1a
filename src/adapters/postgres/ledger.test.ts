import { afterAll, beforeAll } from 'bun:test';
import { memoryLedger } from '../../../test/support/memory-harness.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { ledgerContract } from '../../ports/ledger.contract.ts';
import { openPostgresLedger } from './ledger.ts';

const START_TIMEOUT_MS = 60_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

ledgerContract('Postgres', async () => postgres.create(openPostgresLedger), memoryLedger);
