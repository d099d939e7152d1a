/** `make soak`: a hundred kills under load, or HOURS of them, recorded in bench/RESULTS.md. */
import { runParts } from './run-parts.ts';
import { soakPart } from './soak-part.ts';

await runParts([soakPart], 'make soak', process.argv.slice(2));
