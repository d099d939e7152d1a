/** `make bench`: every measurement but the peak minute, recorded in bench/RESULTS.md. See README.md. */
import { aggregatePart } from './aggregate-part.ts';
import { apartPart } from './apart-part.ts';
import { feedPart } from './feed-part.ts';
import { logSizePart } from './log-size-part.ts';
import { kafkaPart, rabbitmqPart } from './log-votes-part.ts';
import { postgresLedgerPart } from './postgres-ledger-part.ts';
import { postgresPulseLedgerPart, sqlitePulseLedgerPart } from './pulse-ledger-part.ts';
import { pulsesPart } from './pulses-part.ts';
import { redisPart } from './redis-part.ts';
import { reportPart } from './report-part.ts';
import { runParts } from './run-parts.ts';
import { servePart } from './serve-part.ts';
import { startPart } from './start-part.ts';
import { votesPart } from './votes-part.ts';
import { workersPart } from './workers-part.ts';

await runParts(
  [
    ...[votesPart, logSizePart, servePart, workersPart, feedPart, startPart],
    ...[pulsesPart, aggregatePart, sqlitePulseLedgerPart, postgresPulseLedgerPart],
    ...[kafkaPart, rabbitmqPart, redisPart, apartPart, postgresLedgerPart, reportPart],
  ],
  'make bench',
  process.argv.slice(2),
);
