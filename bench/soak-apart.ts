/** `make soak APART=1`: every part of an installation with its roles apart killed under load, recorded in bench/RESULTS.md. */
import { runParts } from './run-parts.ts';
import { soakApartPart } from './soak-apart-part.ts';

await runParts([soakApartPart], 'make soak APART=1', process.argv.slice(2));
