/**
 * The audit of the pulse ledger: folds the log `resource-consumption` by itself and holds the ledger
 * against it: books, keys, usage, the pulses that are held, and dead letters.
 *
 * Memory is bounded by two figures, whatever the log holds: tenants are taken some at a time, so that no
 * more than WINDOWS_AT_ONCE_MAX usage windows are held at once (of one tenant all of them), and the keys of
 * a partition slice by slice, each of which reads the log again. Up to KEYS_AT_ONCE_MAX pulses a partition
 * the log is read three times at most.
 */
import { deadLetterId, type Sha256 } from '../../domain/metering/dead-letter.ts';
import { encodePulseAct } from '../../domain/metering/pulse-act.ts';
import { addUpUsage } from '../../domain/metering/usage-sum.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PulseInventory, PulseLedger } from '../../ports/pulse-ledger.ts';
import { ActHistory } from './act-history.ts';
import { addHeldPulses } from './add-held-pulses.ts';
import { END_OF_TIME } from './ask-usage.ts';
import { compareHeld } from './compare-held.ts';
import { compareNumber, compareUsage, type DifferenceList } from './metering-difference.ts';
import { PulseFold } from './pulse-fold.ts';
import { readPulseLog } from './pulse-log-part.ts';
import { PulseLogSurvey } from './pulse-log-survey.ts';
import {
  ledgerMoved,
  type Positions,
  readSettledUsage,
  type UsageAnswer,
} from './settled-usage.ts';
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

const QUEUE = 'resource-consumption.dlq';

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
  return new PulseAudit(deps, differences).run();
}

interface PartitionBooks {
  counted: number;
  duplicates: number;
  conflicts: number;
}

class PulseAudit {
  readonly #deps: AuditPulsesDeps;
  readonly #differences: DifferenceList;
  readonly #survey: PulseLogSurvey;
  readonly #partitions: readonly number[];
  #inventories: readonly PulseInventory[] = [];
  #histories: readonly ActHistory[] = [];
  /** By partition, pulses that count and are not held. */
  readonly #missing: number[] = [];
  #windows = 0;
  #pulses = 0;

  constructor(deps: AuditPulsesDeps, differences: DifferenceList) {
    const { log, sha256, onProgress } = deps;
    this.#deps = deps;
    this.#differences = differences;
    const letterId = (bytes: Uint8Array): string => deadLetterId(QUEUE, bytes, sha256);
    this.#survey = new PulseLogSurvey({ log, letterId, onProgress });
    this.#partitions = Array.from({ length: log.description.partitions }, (_, index) => index);
  }

  async run(): Promise<PulseLedgerAudit> {
    const { log, ledger } = this.#deps;
    const survey = this.#survey;
    // The ledger first: the log's end then lies at or above every offset that it stands at.
    this.#inventories = await Promise.all(this.#partitions.map((one) => ledger.inventory(one)));
    const stood = this.#inventories.map(({ checkpoint }) => checkpoint.nextOffset);
    for (const partition of this.#partitions) {
      const offset = stood[partition] ?? 0;
      await survey.upTo(partition, offset);
      this.#compare(partition, 'checksum of the last block', {
        expected: survey.of(partition).lastBlockCrc,
        found: this.#inventories[partition]?.checkpoint.lastBlockCrc ?? 0,
      });
      const { end } = await log.bounds(partition);
      await survey.upTo(partition, Math.max(end, offset));
    }
    const all = { tenant: null, sku: null, unit: null, from: 0, to: END_OF_TIME };
    const known = await ledger.usage(all, [0, END_OF_TIME], Number.MAX_SAFE_INTEGER);
    const tenants = [
      ...new Set([...survey.tenants, ...known.map(({ series }) => series.tenant)]),
    ].sort();
    const books = this.#partitions.map(() => ({ counted: 0, duplicates: 0, conflicts: 0 }));
    for (const batch of this.#batches(tenants)) {
      await this.#auditTenants(batch, batch.length === tenants.length, stood, books);
    }
    const partitions = await this.#auditBooks(stood, books);
    return {
      partitions,
      tenants,
      startsOf: (tenant) => survey.startsOf(tenant),
      windows: this.#windows,
      pulses: this.#pulses,
      forgotten: this.#inventories.reduce((sum, { forgotten }) => sum + forgotten, 0),
      deadLetters: await this.#auditLetters(stood),
    };
  }

  #compare(
    partition: number,
    what: string,
    values: { readonly expected: number; readonly found: number },
    store = LEDGER,
  ): void {
    const { expected, found } = values;
    this.#differences.add(...compareNumber(store, partition, what, expected, found));
  }

  /** One batch at least, also where there is nobody. */
  #batches(tenants: readonly string[]): readonly (readonly string[])[] {
    const batches: string[][] = [[]];
    let windows = 0;
    for (const tenant of tenants) {
      const its = this.#survey.windowsOf(tenant);
      if (windows > 0 && windows + its > this.#deps.limits.windowsAtOnceMax) {
        batches.push([]);
        windows = 0;
      }
      batches.at(-1)?.push(tenant);
      windows += its;
    }
    return batches;
  }

  async #auditTenants(
    tenants: readonly string[],
    areAll: boolean,
    stood: Positions,
    books: readonly PartitionBooks[],
  ): Promise<void> {
    const { found, at } = await readSettledUsage(
      {
        ledger: this.#deps.ledger,
        partitions: this.#partitions,
        startsOf: (tenant) => this.#survey.startsOf(tenant),
      },
      tenants,
    );
    const only = areAll ? null : new Set(tenants);
    const truth = new UsageTruth();
    await this.#lookForTargets(at);
    for (const partition of this.#partitions) {
      const position = at[partition] ?? 0;
      const book = books[partition];
      if (position < (stood[partition] ?? 0)) throw ledgerMoved('It was emptied meanwhile.');
      if (book !== undefined) await this.#fold(partition, only, truth, stood, position, book);
      this.#histories[partition]?.addTo(truth, position, only);
    }
    for (const tenant of tenants) {
      this.#pulses += await addHeldPulses(this.#deps.ledger, tenant, at, truth);
      const lanes = truth.ofTenant(tenant);
      this.#compareUsage(lanes, found.get(tenant) ?? []);
      this.#differences.add(...compareHeld(lanes, (partition) => this.#forgotten(partition) > 0));
      for (const { partition, windows } of lanes) {
        for (const { total, held } of windows.values()) {
          const missing = this.#missing[partition] ?? 0;
          this.#missing[partition] = missing + total.count - held.counted;
        }
      }
    }
  }

  #compareUsage(lanes: readonly UsageLane[], [byWindow, byDay]: readonly UsageAnswer[]): void {
    const isWhole = lanes.every(({ partition }) => this.#forgotten(partition) === 0);
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

  #forgotten(partition: number): number {
    return this.#inventories[partition]?.forgotten ?? 0;
  }

  /** Finds the pulses that acts below these positions are about. */
  async #lookForTargets(at: Positions): Promise<void> {
    const { log } = this.#deps;
    const histories: ActHistory[] = [];
    for (const partition of this.#partitions) {
      const position = at[partition] ?? 0;
      const known = this.#survey.of(partition).nextOffset;
      if (position > known) await this.#survey.upTo(partition, position);
      const { acts, nextOffset } = this.#survey.of(partition);
      const history = new ActHistory(partition, acts);
      histories.push(history);
      if (acts.length === 0) continue;
      for await (const part of readPulseLog(log, partition, 0, nextOffset)) history.look(part);
    }
    this.#histories = histories;
  }

  async #fold(
    partition: number,
    tenants: ReadonlySet<string> | null,
    truth: UsageTruth,
    stood: Positions,
    position: number,
    book: PartitionBooks,
  ): Promise<void> {
    const { log, limits, onProgress } = this.#deps;
    const { pulses } = this.#survey.of(partition);
    const slices = Math.max(1, Math.ceil(pulses / limits.keysAtOnceMax));
    const targets = this.#histories[partition]?.targets ?? new Set();
    for (let slice = 0; slice < slices; slice += 1) {
      const fold = new PulseFold({ partition, slice, slices, tenants, targets, truth });
      const stop = stood[partition] ?? 0;
      for await (const part of readPulseLog(log, partition, 0, stop)) {
        fold.add(part);
        onProgress(partition, part.nextOffset, position);
      }
      const { counted, duplicates, conflicts } = fold.folded;
      book.counted += counted;
      book.duplicates += duplicates;
      book.conflicts += conflicts;
      for await (const part of readPulseLog(log, partition, stop, position)) fold.add(part);
    }
  }

  async #auditBooks(
    stood: Positions,
    books: readonly PartitionBooks[],
  ): Promise<readonly PulsePartitionAudit[]> {
    return this.#inventories.map(({ books: found, keys }, partition) => {
      const { counted = 0, duplicates = 0, conflicts = 0 } = books[partition] ?? {};
      const nextOffset = stood[partition] ?? 0;
      const survey = this.#survey.of(partition);
      const history = this.#histories[partition];
      const voided = history?.voided(nextOffset) ?? 0;
      const unreadable = survey.unreadable.filter(({ offset }) => offset < nextOffset).length;
      const deadLetters = unreadable + (history?.unknown(nextOffset).length ?? 0);
      const received = counted + duplicates + conflicts;
      const expected = { received, counted, duplicates, conflicts, voided, deadLetters };
      for (const book of BOOKS) {
        const values = { expected: expected[book], found: found[book] };
        this.#compare(partition, BOOK_WORDS[book], values);
      }
      this.#compare(partition, 'keys that it knows', { expected: counted, found: keys });
      const missing = this.#missing[partition] ?? 0;
      // Where none were given up each window was named already.
      if (this.#forgotten(partition) > 0) {
        const values = { expected: this.#forgotten(partition), found: missing };
        this.#compare(partition, 'pulses that are not held any more', values, 'held pulses');
      }
      const { nextOffset: blocks } = survey;
      return { partition, blocks, nextOffset, counted, duplicates, conflicts, voided, unreadable };
    });
  }

  /** Looks each dead letter up; resolves to how many there must be. */
  async #auditLetters(stood: Positions): Promise<number> {
    const { ledger, sha256 } = this.#deps;
    let letters = 0;
    for (const partition of this.#partitions) {
      const nextOffset = stood[partition] ?? 0;
      const acts = this.#histories[partition]?.unknown(nextOffset) ?? [];
      const unknown = acts.map(({ offset, ...act }) => ({
        offset,
        id: deadLetterId(QUEUE, encodePulseAct(act), sha256),
      }));
      for (const { offset, id } of [...this.#survey.of(partition).unreadable, ...unknown]) {
        if (offset >= nextOffset) continue;
        letters += 1;
        if ((await ledger.deadLetters.get(id)) !== null) continue;
        const what = `letter of what can not be taken in block ${offset}`;
        this.#compare(partition, what, { expected: 1, found: 0 }, 'dead letters');
      }
    }
    return letters;
  }
}

const BOOK_WORDS = {
  received: 'pulses received',
  counted: 'pulses counted',
  duplicates: 'duplicates',
  conflicts: 'conflicts',
  voided: 'pulses voided',
  deadLetters: 'reports of dead letters',
} as const;
const BOOKS = Object.keys(BOOK_WORDS) as readonly (keyof typeof BOOK_WORDS)[];
