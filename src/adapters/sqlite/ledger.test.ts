import { memoryLedger } from '../../../test/support/memory-harness.ts';
import { sqliteLedger } from '../../../test/support/sqlite-harness.ts';
import { ledgerContract } from '../../ports/ledger.contract.ts';

ledgerContract('sqlite', sqliteLedger, memoryLedger);
