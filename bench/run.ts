/** `make bench`: every measurement but the peak minute, recorded in bench/RESULTS.md. See README.md. */
import { logSizePart } from './log-size-part.ts';
import { runParts } from './run-parts.ts';
import { votesPart } from './votes-part.ts';
import { workersPart } from './workers-part.ts';

await runParts([votesPart, logSizePart, workersPart], 'make bench', process.argv.slice(2));
