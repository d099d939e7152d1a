import { memoryLedger } from '../../../test/support/memory-harness.ts';
import { ledgerContract } from '../../ports/ledger.contract.ts';

ledgerContract('memory', memoryLedger, memoryLedger);
