import { memoryLiveTally } from '../../../test/support/memory-harness.ts';
import { liveTallyContract } from '../../ports/live-tally.contract.ts';

liveTallyContract('memory', memoryLiveTally, memoryLiveTally);
