/** Adds usage up anew from the pulses themselves, where somebody doubts it. */
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';

export interface RecomputeUsageDeps {
  readonly ledger: Pick<PulseLedger, 'recompute'>;
  readonly pulses: { readonly partitions: number };
  readonly catalogue: Pick<MeteringCatalogue, 'recordAct'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Begins an aggregation at once, which sends what was put right. */
  readonly trigger: () => void;
}

/** Resolves to how many windows that start in `[from, to)` differed. Idempotent. @throws as the stores. */
export async function recomputeUsage(
  { ledger, pulses, catalogue, clock, trigger }: RecomputeUsageDeps,
  input: { readonly from: number; readonly to: number; readonly actor: string },
): Promise<number> {
  const from = usageWindowOf(input.from);
  const to = Math.ceil(input.to / USAGE_WINDOW_MS) * USAGE_WINDOW_MS;
  let count = 0;
  for (let partition = 0; partition < pulses.partitions; partition += 1) {
    count += (await ledger.recompute(partition, from, to)).length;
  }
  const span = `${new Date(from).toISOString()}/${new Date(to).toISOString()}`;
  await catalogue.recordAct({
    at: clock.now(),
    actor: input.actor,
    act: 'recompute',
    kind: 'usage',
    id: span,
    tenant: null,
    detail: `${count} windows differed`,
  });
  trigger();
  return count;
}
