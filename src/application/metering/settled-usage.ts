/** Reads usage of a ledger that may be moving on: all of it at one position, by window and by day. */
import { ApuraError } from '../../domain/errors.ts';
import type { PulseLedger, UsageRow } from '../../ports/pulse-ledger.ts';
import { askUsage, dayBounds, windowBounds } from './ask-usage.ts';

/** The next offset that the ledger takes, of each partition. */
export type Positions = readonly number[];

/** What the ledger has answered about a tenant. */
export interface UsageAnswer {
  readonly bounds: readonly number[];
  readonly rows: readonly UsageRow[];
}

export interface SettledUsageDeps {
  readonly ledger: Pick<PulseLedger, 'checkpoint' | 'usage'>;
  readonly partitions: readonly number[];
  /** Where a tenant's windows start, ascending. */
  readonly startsOf: (tenant: string) => readonly number[];
}

/** How often usage is read anew because the ledger has moved meanwhile. */
const READS_MAX = 50;

/**
 * By tenant: usage by window, then by day.
 *
 * @throws ApuraError `not_ready`: the ledger has moved at every read. Otherwise as the ledger.
 */
export async function readSettledUsage(
  { ledger, partitions, startsOf }: SettledUsageDeps,
  tenants: readonly string[],
): Promise<{
  readonly found: ReadonlyMap<string, readonly UsageAnswer[]>;
  readonly at: Positions;
}> {
  const positions = (): Promise<Positions> =>
    Promise.all(partitions.map(async (one) => (await ledger.checkpoint(one)).nextOffset));
  for (let reads = 0; reads < READS_MAX; reads += 1) {
    const at = await positions();
    const found = new Map<string, UsageAnswer[]>();
    for (const tenant of tenants) {
      const starts = startsOf(tenant);
      const answers: UsageAnswer[] = [];
      for (const bounds of [windowBounds(starts), dayBounds(starts)]) {
        answers.push({ bounds, rows: await askUsage(ledger, tenant, bounds) });
      }
      found.set(tenant, answers);
    }
    if (String(at) === String(await positions())) return { found, at };
  }
  throw ledgerMoved(`It has moved at each of ${READS_MAX} reads: ask again when less comes in.`);
}

export function ledgerMoved(why: string): ApuraError {
  return new ApuraError('not_ready', `The pulse ledger can't be held against its log. ${why}`);
}
