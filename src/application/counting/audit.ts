/**
 * The audit: folds the whole log by itself and holds every store against it, each at the store's own
 * offset. What it says rests on the log's bytes and the rules alone, on nothing that a worker left.
 */
import { decodeBlock } from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { type Decision, PartitionFold } from '../../domain/counting/partition-fold.ts';
import { type ScopeBooks, StepTotals } from '../../domain/counting/step-totals.ts';
import { ApuraError } from '../../domain/errors.ts';
import { CONTROL_PARTITION, type EventLog, type LoggedBlock } from '../../ports/event-log.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import { compareCounts, type Difference } from './compare-counts.ts';

/** What is held against the log: a store, or one of several accounts that a store keeps. */
export interface Audited {
  /** As reports name it: `tally`, `ledger windows`, `ledger rows`. */
  readonly name: string;
  read(partition: number): Promise<PartitionCounts>;
}

export interface AuditDeps {
  readonly log: EventLog;
  readonly stores: readonly Audited[];
  readonly dedupWindowMs: number;
  /** Reads a record of the control partition. @throws ApuraError where it is none. */
  readonly readControl: (payload: Uint8Array) => void;
  /** Told now and then how far the fold has got. */
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

export interface StoreDifference extends Difference {
  readonly store: string;
}

export interface PartitionAudit {
  /** The log that the partition belongs to. */
  readonly logId: string;
  /** CONTROL_PARTITION for the poll changes, which no store counts. */
  readonly partition: number;
  /** Blocks of the partition, all of which were read and checked. */
  readonly blocks: number;
  /** The log's own books, a scope. */
  readonly books: readonly ScopeBooks[];
  /** How far each store had got when it was read. */
  readonly positions: readonly { readonly store: string; readonly nextOffset: number }[];
  readonly differences: readonly StoreDifference[];
  /** What stopped the fold before the log's end, or null. */
  readonly failure: { readonly code: string; readonly message: string } | null;
}

const READ_BYTES = 4 << 20;

/** Audits every partition, the control partition last. Only failures of the stores themselves throw; the log's are reported. */
export async function audit(deps: AuditDeps): Promise<readonly PartitionAudit[]> {
  const audits: PartitionAudit[] = [];
  for (let partition = 0; partition < deps.log.description.partitions; partition += 1) {
    audits.push(await auditPartition(deps, partition));
  }
  audits.push(await auditControl(deps));
  return audits;
}

/** Reads every poll change, as a starting door does. */
async function auditControl({ log, readControl }: AuditDeps): Promise<PartitionAudit> {
  const { logId } = log.description;
  const partition = CONTROL_PARTITION;
  let blocks = 0;
  let failure: PartitionAudit['failure'] = null;
  try {
    const { end } = await log.bounds(partition);
    while (blocks < end) {
      for (const { offset, bytes } of await log.read(partition, blocks, READ_BYTES)) {
        const block = decodeBlock(bytes);
        if (block.kind === 'control') readControl(block.payload);
        blocks = offset + 1;
      }
    }
  } catch (error) {
    if (!(error instanceof ApuraError)) throw error;
    const message = `Block ${blocks} of the control partition: ${error.message}`;
    failure = { code: 'log_corrupt', message };
  }
  return { logId, partition, blocks, books: [], positions: [], differences: [], failure };
}

async function auditPartition(deps: AuditDeps, partition: number): Promise<PartitionAudit> {
  // Stores first: the log's end then lies at or above every offset that they stand at.
  const contents = await Promise.all(
    deps.stores.map(async (store) => ({ store: store.name, counts: await store.read(partition) })),
  );
  const differences: StoreDifference[] = [];
  const run = new PartitionRun(deps, partition);
  let failure: PartitionAudit['failure'] = null;
  try {
    const stops = [...contents].sort((a, b) => nextOf(a.counts) - nextOf(b.counts));
    for (const { store, counts } of stops) {
      const found = await run.upTo(nextOf(counts));
      const crc = counts.checkpoint.lastBlockCrc;
      const all = [
        ...compareCounts(partition, run.contents(), counts),
        ...difference(partition, 'checksum of the last block', found.lastCrc, crc),
      ];
      differences.push(...all.map((one) => ({ ...one, store })));
    }
    await run.upTo(Number.POSITIVE_INFINITY);
  } catch (error) {
    if (!(error instanceof ApuraError)) throw error;
    failure = { code: error.code, message: error.message };
  }
  return {
    logId: deps.log.description.logId,
    partition,
    blocks: run.position,
    books: run.contents().books,
    positions: contents.map(({ store, counts }) => ({ store, nextOffset: nextOf(counts) })),
    differences,
    failure,
  };
}

const nextOf = (counts: PartitionCounts): number => counts.checkpoint.nextOffset;

function difference(
  partition: number,
  what: string,
  expected: number,
  found: number,
): Difference[] {
  return expected === found ? [] : [{ partition, scope: '-', what, expected, found }];
}

/** One fold of one partition, stopped wherever a store stands. */
class PartitionRun {
  readonly #deps: AuditDeps;
  readonly #partition: number;
  readonly #fold: PartitionFold;
  readonly #totals = new StepTotals();
  #waiting: LoggedBlock[] = [];

  constructor(deps: AuditDeps, partition: number) {
    this.#deps = deps;
    this.#partition = partition;
    // The seed decides nothing but where ids lie in memory; this fold has no attacker to fear.
    this.#fold = new PartitionFold(
      deps.dedupWindowMs,
      { checkpoint: START, closes: [], acts: [] },
      0,
    );
  }

  get position(): number {
    return this.#fold.position;
  }

  contents(): Pick<PartitionCounts, 'counts' | 'books'> {
    return { counts: this.#totals.counts(), books: this.#totals.books() };
  }

  /** Folds up to `offset`, or to the log's end. @throws ApuraError `log_corrupt`, `log_rewound`. */
  async upTo(offset: number): Promise<{ readonly lastCrc: number }> {
    while (this.position < offset) {
      const block = await this.#next();
      if (block === null) {
        if (offset === Number.POSITIVE_INFINITY) break;
        throw new ApuraError(
          'log_rewound',
          `Partition ${this.#partition} ends at ${this.position}, but a store stands at ${offset}.`,
        );
      }
      this.#totals.add(this.#decide(block));
    }
    return { lastCrc: this.#fold.checkpoint.lastBlockCrc };
  }

  #decide({ offset, bytes }: LoggedBlock): Decision {
    try {
      const block = decodeBlock(bytes);
      if (block.partition !== this.#partition) {
        throw new ApuraError('block_invalid', `The block belongs to partition ${block.partition}.`);
      }
      return this.#fold.decide(offset, block);
    } catch (cause) {
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new ApuraError(
        'log_corrupt',
        `Block ${offset} of partition ${this.#partition}: ${why}`,
        { cause },
      );
    }
  }

  async #next(): Promise<LoggedBlock | null> {
    if (this.#waiting.length === 0) {
      const { log, onProgress } = this.#deps;
      const { end } = await log.bounds(this.#partition);
      onProgress(this.#partition, this.position, end);
      this.#waiting = [...(await log.read(this.#partition, this.position, READ_BYTES))].reverse();
    }
    return this.#waiting.pop() ?? null;
  }
}

/** Whether nothing differs and nothing failed. */
export function isBalanced(audits: readonly PartitionAudit[]): boolean {
  return audits.every(({ differences, failure }) => differences.length === 0 && failure === null);
}
