import { reportingBySteps } from '../../../test/support/pulse-reporting.ts';
import { sqlitePulseLedger } from '../../../test/support/sqlite-harness.ts';
import { deadLettersContract } from '../../ports/dead-letters.contract.ts';

deadLettersContract('sqlite', reportingBySteps(sqlitePulseLedger));
