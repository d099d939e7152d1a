/**
 * The aggregation with a core of its own and a ledger that takes everything: reads a filled log to its
 * end as `apura aggregate` does, and tells how long it took. Argument: the data folder.
 */
import { openSqliteLogReader } from '../src/adapters/sqlite/event-log.ts';
import { soleOwnership } from '../src/application/counting/sole-ownership.ts';
import { aggregateJob } from '../src/compose/metering/jobs.ts';
import { START } from '../src/domain/counting/checkpoint.ts';
import type { PulseLedger } from '../src/ports/pulse-ledger.ts';
import { systemClock } from '../src/runtime/system-clock.ts';
import type { Aggregated } from './aggregate-part.ts';
import { PULSE_LOG, pulseLogOptions } from './pulse-log.ts';

const [folder = ''] = process.argv.slice(2);
await using log = openSqliteLogReader(pulseLogOptions(folder));

let [pulses, steps, windows, sum] = [0, 0, 0, 0n];
const ledger: Pick<PulseLedger, 'takeOver' | 'checkpoint' | 'commit' | 'pendingUsage'> = {
  takeOver: async () => ({ epoch: 1, checkpoint: START }),
  checkpoint: async () => START,
  pendingUsage: async () => [],
  async commit({ totals, deadLetters }) {
    if (deadLetters.length > 0) throw new Error(`No pulse: ${deadLetters[0]?.message}`);
    let counted = 0;
    for (const total of totals) {
      counted += total.count;
      sum += total.sum;
    }
    pulses += counted;
    steps += 1;
    windows += totals.length;
    return { outcome: 'applied', counted, duplicates: 0, conflicts: 0 };
  },
};
const fail = (error: unknown): never => {
  throw error;
};
const job = aggregateJob({
  ...{ log, clock: systemClock, ownership: soleOwnership(PULSE_LOG.partitions), everyMs: 0 },
  // The job asks it for no more than this.
  ledger: ledger as PulseLedger,
  transport: { send: async () => {} },
  ...{ onCommitted: () => {}, onTrouble: fail, onHalted: (_, error) => fail(error) },
});
const before = process.cpuUsage();
const startedAt = performance.now();
const { failed } = await job.runOnce(new AbortController().signal);
const elapsedMs = performance.now() - startedAt;
const { user, system } = process.cpuUsage(before);
if (failed > 0) throw new Error('The aggregation has failed.');
const aggregated: Aggregated = {
  ...{ pulses, steps, windows, sum: String(sum), elapsedMs },
  cpuMicros: user + system,
};
console.log(JSON.stringify(aggregated));
