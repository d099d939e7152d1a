/** Adds up the pulses that the ledger holds, as they stood at a position. */
import { amountOf } from '../../domain/metering/amount.ts';
import { usageWindowOf } from '../../domain/metering/usage.ts';
import type { PulseLedger, StoredPulse } from '../../ports/pulse-ledger.ts';
import { END_OF_TIME } from './ask-usage.ts';
import type { Positions } from './settled-usage.ts';
import { type UsageTruth, windowOf } from './usage-truth.ts';

const PAGE = 1_000;

/** Of one tenant, into the windows that they lie in. Resolves to how many they are. @throws as the ledger. */
export async function addHeldPulses(
  ledger: Pick<PulseLedger, 'pulses'>,
  tenant: string,
  at: Positions,
  truth: UsageTruth,
): Promise<number> {
  const filter = { tenant, from: 0, to: END_OF_TIME };
  let added = 0;
  let cursor: string | null = null;
  do {
    const page = await ledger.pulses(filter, cursor, PAGE);
    for (const stored of page.pulses) {
      const { pulse, partition, offset } = stored;
      const position = at[partition] ?? 0;
      if (offset >= position) continue;
      const { held } = windowOf(truth.lane(partition, pulse), usageWindowOf(pulse.occurredAt));
      const amount = amountAt(stored, position);
      added += 1;
      held.pulses += 1;
      if (amount === null) continue;
      held.counted += 1;
      held.sum += amount;
    }
    cursor = page.nextCursor;
  } while (cursor !== null);
  return added;
}

/** What the pulse counts for by what the ledger holds, null where it is voided. */
function amountAt({ pulse, state, amount, acts }: StoredPulse, position: number): bigint | null {
  const taken = acts.filter(({ offset }) => offset < position);
  if (taken.length === acts.length) return state === 'voided' ? null : amount;
  const last = taken.at(-1);
  return last === undefined ? amountOf(pulse.amount) : last.amount;
}
