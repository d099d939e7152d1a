import { memoryPulseLedger } from '../../../test/support/memory-harness.ts';
import { reportingBySteps } from '../../../test/support/pulse-reporting.ts';
import { deadLettersContract } from '../../ports/dead-letters.contract.ts';

deadLettersContract('memory', reportingBySteps(memoryPulseLedger));
