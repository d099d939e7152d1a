/**
 * The audit of the pulse ledger: folds the log `resource-consumption` by itself and holds the ledger
 * against it: books, keys, usage, the pulses that are held, and dead letters.
 *
 * Memory is bounded by two figures, whatever the log holds: tenants are taken some at a time, so that no
 * more than `windowsAtOnceMax` usage windows are held at once (of one tenant all of them), and the keys of
 * a partition slice by slice, each of which reads the log again. Up to `keysAtOnceMax` pulses a partition
 * the log is read three times at most.
 */
import type { Sha256 } from '../../domain/metering/dead-letter.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PulseInventory, PulseLedger } from '../../ports/pulse-ledger.ts';
import { addHeldPulses } from './add-held-pulses.ts';
import { END_OF_TIME } from './ask-usage.ts';
import { compareBooks, compareLetters } from './compare-books.ts';
import { compareHeld } from './compare-held.ts';
import { compareNumber, compareUsage, type DifferenceList } from './metering-difference.ts';
import { type FoldedPulses, NO_PULSES, sumOfPulses } from './pulse-fold.ts';
import { PulseLogReplay } from './pulse-log-replay.ts';
import { ledgerMoved, readSettledUsage, type UsageAnswer } from './settled-usage.ts';
import { type UsageLane, UsageTruth, windowsOf } from './usage-truth.ts';

export type AuditedPulseLedger = Pick<
  PulseLedger,
  'checkpoint' | 'inventory' | 'usage' | 'pulses'
> & {
  readonly deadLetters: Pick<DeadLetters, 'get'>;
};

export interface AuditLimits {
  /** Keys of a partition in memory, about 50 bytes each. */
  readonly keysAtOnceMax: number;
  /** Usage windows in memory, about a kilobyte each. */
  readonly windowsAtOnceMax: number;
}

/** 100 MB and 250 MB. */
export const AUDIT_LIMITS: AuditLimits = { keysAtOnceMax: 2_000_000, windowsAtOnceMax: 250_000 };

export interface AuditPulsesDeps {
  readonly log: Pick<EventLog, 'description' | 'read' | 'bounds'>;
  readonly ledger: AuditedPulseLedger;
  readonly sha256: Sha256;
  readonly limits: AuditLimits;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

export interface PulsePartitionAudit {
  readonly partition: number;
  /** Blocks of the partition, all of which were read and checked. */
  readonly blocks: number;
  /** How far the ledger had got when it was read. */
  readonly nextOffset: number;
  /** The log's own books, up to there. received = counted + duplicates + conflicts. */
  readonly counted: number;
  readonly duplicates: number;
  readonly conflicts: number;
  readonly voided: number;
  readonly unreadable: number;
}

export interface PulseLedgerAudit {
  readonly partitions: readonly PulsePartitionAudit[];
  readonly tenants: readonly string[];
  /** Where the tenants' windows start, ascending. */
  readonly startsOf: (tenant: string) => readonly number[];
  /** Usage windows that were compared, added up over partitions. */
  readonly windows: number;
  /** Held pulses that were compared. */
  readonly pulses: number;
  /** Pulses that count and are not held any more: compared by their windows alone. */
  readonly forgotten: number;
  readonly deadLetters: number;
}

const LEDGER = 'pulse ledger';

/**
 * Adds what differs to `differences`.
 *
 * @throws ApuraError `log_rewound`, or as EventLog.read: the log can't be followed to where the ledger is.
 * @throws ApuraError `not_ready`: the ledger has moved at every try to read it.
 * @throws as the ledger.
 */
export async function auditPulses(
  deps: AuditPulsesDeps,
  differences: DifferenceList,
): Promise<PulseLedgerAudit> {
  const { log, ledger } = deps;
  const partitions = Array.from({ length: log.description.partitions }, (_, index) => index);
  // The ledger first: the log's end then lies at or above every offset that it stands at.
  const inventories = await Promise.all(partitions.map((one) => ledger.inventory(one)));
  return new PulseAudit(deps, inventories, differences).run();
}

class PulseAudit {
  readonly #deps: AuditPulsesDeps;
  readonly #partitions: readonly PartitionUnderAudit[];
  readonly #differences: DifferenceList;
  readonly #replay: PulseLogReplay;
  #windows = 0;
  #pulses = 0;

  constructor(
    deps: AuditPulsesDeps,
    inventories: readonly PulseInventory[],
    differences: DifferenceList,
  ) {
    this.#deps = deps;
    this.#partitions = inventories.map((inventory, partition) => ({
      partition,
      inventory,
      pulses: NO_PULSES,
      missing: 0,
    }));
    this.#differences = differences;
    this.#replay = new PulseLogReplay({ ...deps, keysAtOnceMax: deps.limits.keysAtOnceMax });
  }

  async run(): Promise<PulseLedgerAudit> {
    const { survey } = this.#replay;
    await this.#survey();
    const tenants = await this.#tenants();
    for (const batch of this.#batches(tenants)) {
      await this.#auditTenants(batch, batch.length === tenants.length);
    }
    const partitions = this.#partitions.map((one) => this.#auditPartition(one));
    return {
      partitions,
      tenants,
      startsOf: (tenant) => survey.startsOf(tenant),
      windows: this.#windows,
      pulses: this.#pulses,
      forgotten: this.#partitions.reduce((sum, { inventory }) => sum + inventory.forgotten, 0),
      deadLetters: await this.#auditLetters(),
    };
  }

  /** Looks through the log, and whether its blocks are those that the ledger has seen. */
  async #survey(): Promise<void> {
    const { survey } = this.#replay;
    for (const { partition, inventory } of this.#partitions) {
      const { nextOffset, lastBlockCrc } = inventory.checkpoint;
      await survey.upTo(partition, nextOffset);
      const expected = survey.of(partition).lastBlockCrc;
      const what = 'checksum of the last block';
      this.#differences.add(...compareNumber(LEDGER, partition, what, expected, lastBlockCrc));
      const { end } = await this.#deps.log.bounds(partition);
      await survey.upTo(partition, Math.max(end, nextOffset));
    }
  }

  /** Whoever the log or the ledger knows. */
  async #tenants(): Promise<readonly string[]> {
    const all = { tenant: null, sku: null, unit: null, from: 0, to: END_OF_TIME };
    const known = await this.#deps.ledger.usage(all, [0, END_OF_TIME], Number.MAX_SAFE_INTEGER);
    const tenants = known.map(({ series }) => series.tenant);
    return [...new Set([...this.#replay.survey.tenants, ...tenants])].sort();
  }

  /** One batch at least, also where there is nobody. */
  #batches(tenants: readonly string[]): readonly (readonly string[])[] {
    const batches: string[][] = [[]];
    let windows = 0;
    for (const tenant of tenants) {
      const its = this.#replay.survey.windowsOf(tenant);
      if (windows > 0 && windows + its > this.#deps.limits.windowsAtOnceMax) {
        batches.push([]);
        windows = 0;
      }
      batches.at(-1)?.push(tenant);
      windows += its;
    }
    return batches;
  }

  async #auditTenants(tenants: readonly string[], areAll: boolean): Promise<void> {
    const { ledger } = this.#deps;
    const { found, at } = await readSettledUsage(
      {
        ledger,
        partitions: this.#partitions.map(({ partition }) => partition),
        startsOf: (tenant) => this.#replay.survey.startsOf(tenant),
      },
      tenants,
    );
    const only = areAll ? null : new Set(tenants);
    const truth = new UsageTruth();
    await this.#replay.lookForTargets(at);
    for (const one of this.#partitions) {
      const { partition, inventory } = one;
      const stood = inventory.checkpoint.nextOffset;
      const position = at[partition] ?? 0;
      if (position < stood) throw ledgerMoved('It was emptied meanwhile.');
      const pulses = await this.#replay.addUsage(partition, [stood, position], only, truth);
      one.pulses = sumOfPulses(one.pulses, pulses);
    }
    for (const tenant of tenants) {
      this.#pulses += await addHeldPulses(ledger, tenant, at, truth);
      const lanes = truth.ofTenant(tenant);
      this.#compareUsage(lanes, found.get(tenant) ?? []);
      this.#differences.add(...compareHeld(lanes, (partition) => this.#hasForgotten(partition)));
      for (const { partition, windows } of lanes) {
        const one = this.#partitions[partition];
        if (one === undefined) continue;
        for (const { total, held } of windows.values()) one.missing += total.count - held.counted;
      }
    }
  }

  #compareUsage(lanes: readonly UsageLane[], [byWindow, byDay]: readonly UsageAnswer[]): void {
    const isWhole = lanes.every(({ partition }) => !this.#hasForgotten(partition));
    for (const answer of [byWindow, byDay]) {
      if (answer === undefined) return;
      const expected = addUpUsage(windowsOf(lanes), answer.bounds);
      if (answer === byWindow) this.#windows += expected.length;
      const compared = { store: LEDGER, expected, found: answer.rows, lanes, isWhole };
      const differing = compareUsage(compared);
      this.#differences.add(...differing);
      // A day that differs would only say again what its windows have said.
      if (differing.length > 0) return;
    }
  }

  #hasForgotten(partition: number): boolean {
    return (this.#partitions[partition]?.inventory.forgotten ?? 0) > 0;
  }

  #auditPartition({
    partition,
    inventory,
    pulses,
    missing,
  }: PartitionUnderAudit): PulsePartitionAudit {
    const { nextOffset } = inventory.checkpoint;
    const beside = this.#replay.beside(partition, nextOffset);
    const logged = { pulses, beside, missing };
    this.#differences.add(...compareBooks(LEDGER, partition, logged, inventory));
    return {
      partition,
      blocks: this.#replay.survey.of(partition).nextOffset,
      nextOffset,
      ...pulses,
      voided: beside.voided,
      unreadable: beside.unreadable.length,
    };
  }

  /** Resolves to how many dead letters there must be. */
  async #auditLetters(): Promise<number> {
    const { deadLetters } = this.#deps.ledger;
    let letters = 0;
    for (const { partition, inventory } of this.#partitions) {
      const { nextOffset } = inventory.checkpoint;
      const { unreadable, unknown } = this.#replay.beside(partition, nextOffset);
      const all = [...unreadable, ...unknown];
      letters += all.length;
      this.#differences.add(...(await compareLetters(deadLetters, partition, all)));
    }
    return letters;
  }
}

interface PartitionUnderAudit {
  readonly partition: number;
  /** Where the ledger stood when it was read first, and what it held. */
  readonly inventory: PulseInventory;
  /** Of the tenants up to now, below there. */
  pulses: FoldedPulses;
  /** Pulses that count and are not held. */
  missing: number;
}
