/** The ledger on Postgres alone: `bun bench/postgres-ledger.ts [--quick]`. */
import { postgresLedgerPart } from './postgres-ledger-part.ts';
import { runParts } from './run-parts.ts';

await runParts([postgresLedgerPart], 'bench/postgres-ledger.ts', process.argv.slice(2));
