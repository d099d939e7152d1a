/** Usage windows that the ledger has changed and rating has not taken yet: between the two nothing has to agree. */

import { decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { decodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';

export interface UsageWayDeps {
  readonly ledger: Pick<PulseLedger, 'pendingUsage'>;
  /** Partitions of pulses. */
  readonly partitions: number;
  /** The log `resource-usage`; null where usage goes to rating without one. */
  readonly usageLog: Pick<EventLog, 'description' | 'bounds' | 'read'> | null;
}

/** Windows of a partition that may wait at most. */
const PENDING_MAX = 100_000;
const READ_BYTES = 1 << 20;

export class UsageOnItsWay {
  /** Starts by series. */
  readonly #starts = new Map<string, Set<number>>();

  add({ tenant, sku, unit }: UsageSeries, start: number): void {
    const name = JSON.stringify([tenant, sku, unit]);
    const starts = this.#starts.get(name) ?? new Set();
    this.#starts.set(name, starts.add(start));
  }

  /** Whether a window of the series that starts in `[from, to)` is among them. */
  has({ tenant, sku, unit }: UsageSeries, { from, to }: { from: number; to: number }): boolean {
    for (const start of this.#starts.get(JSON.stringify([tenant, sku, unit])) ?? []) {
      if (start >= from && start < to) return true;
    }
    return false;
  }

  get tenants(): ReadonlySet<string> {
    return new Set([...this.#starts.keys()].map((name) => String(JSON.parse(name)[0])));
  }

  get windows(): number {
    return [...this.#starts.values()].reduce((sum, { size }) => sum + size, 0);
  }
}

/**
 * What is pending in the ledger, and what has gone into the log of usage since rating stood at
 * `positions`, one a partition of that log. Null where more is pending than one answer holds.
 *
 * @throws as the ledger and the log.
 */
export async function usageOnItsWay(
  { ledger, partitions, usageLog }: UsageWayDeps,
  positions: readonly number[],
): Promise<UsageOnItsWay | null> {
  const way = new UsageOnItsWay();
  for (let partition = 0; partition < partitions; partition += 1) {
    const pending = await ledger.pendingUsage(partition, PENDING_MAX);
    if (pending.length === PENDING_MAX) return null;
    for (const { series, start } of pending) way.add(series, start);
  }
  for (const [partition, position] of positions.entries()) {
    if (usageLog === null) break;
    const { end } = await usageLog.bounds(partition);
    for (let at = position; at < end; ) {
      const blocks = await usageLog.read(partition, at, READ_BYTES);
      for (const { bytes } of blocks) {
        for (const { series, start } of recordsOf(bytes)) way.add(series, start);
      }
      if (blocks.length === 0) break;
      at += blocks.length;
    }
  }
  return way;
}

function recordsOf(bytes: Uint8Array): ReturnType<typeof decodeUsageRecords> {
  try {
    const block = decodeBlock(bytes);
    return block.kind === 'usage' ? decodeUsageRecords(block.payload) : [];
  } catch (error) {
    // Rating keeps it as a dead letter: it brings no usage.
    if (!(error instanceof ApuraError)) throw error;
    return [];
  }
}
