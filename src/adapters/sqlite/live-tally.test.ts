import { memoryLiveTally } from '../../../test/support/memory-harness.ts';
import { sqliteLiveTally } from '../../../test/support/sqlite-harness.ts';
import { liveTallyContract } from '../../ports/live-tally.contract.ts';

liveTallyContract('sqlite', sqliteLiveTally, memoryLiveTally);
