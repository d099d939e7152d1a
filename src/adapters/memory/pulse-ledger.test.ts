import { memoryPulseLedger } from '../../../test/support/memory-harness.ts';
import { pulseLedgerContract } from '../../ports/pulse-ledger.contract.ts';

pulseLedgerContract('memory', memoryPulseLedger, memoryPulseLedger);
