/** `make soak PULSES=1`: every part that pulses pass through killed under load, recorded in bench/RESULTS.md. */
import { runParts } from './run-parts.ts';
import { soakPulsesPart } from './soak-pulses-part.ts';

await runParts([soakPulsesPart], 'make soak PULSES=1', process.argv.slice(2));
