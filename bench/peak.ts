/** `make bench-peak`: 3,000,000 votes in one measured minute, recorded in bench/RESULTS.md. */
import { peakPart } from './peak-part.ts';
import { runParts } from './run-parts.ts';

await runParts([peakPart], 'make bench-peak', process.argv.slice(2));
