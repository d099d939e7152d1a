import { memoryPulseLedger } from '../../../test/support/memory-harness.ts';
import { sqlitePulseLedger } from '../../../test/support/sqlite-harness.ts';
import { pulseLedgerContract } from '../../ports/pulse-ledger.contract.ts';

pulseLedgerContract('sqlite', sqlitePulseLedger, memoryPulseLedger);
