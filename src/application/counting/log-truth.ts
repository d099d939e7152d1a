/**
 * What the log says of one partition at any offset between the slowest store and the fastest, by a fold
 * of its own: the measure that sync holds the stores against, and what it repairs the tally from.
 *
 * 1. `base`: the counts at the lowest offset that anybody may still ask for.
 * 2. Above it a journal: what each block added, so that a store may stand at any block.
 * 3. Once every store has passed a block, its entry is added to the base and forgotten.
 *
 * Memory: the base (about 150 bytes a key and minute), the dedup window of any worker, and the journal:
 * a block of ten keys costs 1.4 kB in it (measured), so a full one of 16,384 blocks some 23 MB.
 */

import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { type Decision, PartitionFold } from '../../domain/counting/partition-fold.ts';
import {
  type MinuteTotal,
  type ScopeBooks,
  StepTotals,
} from '../../domain/counting/step-totals.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import type { TallyReplacement } from '../../ports/live-tally.ts';
import type { ActMark, CloseMark } from '../../ports/store-step.ts';
import { corruptBlock, decodeLogged } from './logged-block.ts';
import { missingBlocks } from './missing-blocks.ts';
import { RunningCounts } from './running-counts.ts';

/** How many blocks the fastest store may be ahead of the slowest and still be checked. */
export const JOURNAL_BLOCKS_MAX = 16_384;
const READ_BYTES = 1 << 20;

export interface LogTruthDeps {
  readonly log: Pick<EventLog, 'read' | 'bounds'>;
  readonly partition: number;
  /** W of the log's settings. */
  readonly dedupWindowMs: number;
  /** Any 32 random bits: see DedupWindow. */
  readonly seed: number;
  /** JOURNAL_BLOCKS_MAX unless told. */
  readonly journalBlocksMax?: number;
}

/** `more`: the call has read its share. `full`: the journal is, until `forgetBelow` makes room. */
export type Reach = 'reached' | 'more' | 'full';

interface JournalEntry {
  /** After the block. */
  readonly checkpoint: Checkpoint;
  readonly counts: readonly MinuteTotal[];
  readonly books: readonly ScopeBooks[];
}

export class LogTruth {
  readonly #deps: LogTruthDeps;
  readonly #fold: PartitionFold;
  readonly #base = new RunningCounts();
  #baseAt: Checkpoint = START;
  /** After the last block that was folded whole. */
  #head: Checkpoint = START;
  /** Nobody asks for counts below this any more; it may lie above what was read so far. */
  #floor = 0;
  #journal: JournalEntry[] = [];
  readonly #closes: CloseMark[] = [];
  readonly #acts: { readonly offset: number; readonly marks: readonly ActMark[] }[] = [];
  readonly #expired = new Map<string, number>();
  #corrupt: ApuraError | null = null;

  constructor(deps: LogTruthDeps) {
    this.#deps = deps;
    const start = { checkpoint: START, closes: [], acts: [] };
    this.#fold = new PartitionFold(deps.dedupWindowMs, start, deps.seed);
  }

  /** One past the last block that was folded: the highest offset that counts are known at. */
  get position(): number {
    return this.#head.nextOffset;
  }

  /** The lowest offset above 0 that counts are known at. */
  get base(): number {
    return this.#baseAt.nextOffset;
  }

  /** Every scope met so far, with its expired events. */
  get expired(): ReadonlyMap<string, number> {
    return this.#expired;
  }

  /** The offset of the scope's CLOSE, or null where none was met yet. */
  closeOf(scope: string): number | null {
    return this.#closes.find((close) => close.scope === scope)?.offset ?? null;
  }

  /**
   * Folds on until `position` is at least `offset`, which the log must have reached, reading about
   * `bytesMax` at most.
   *
   * @throws ApuraError `log_rewound`: the log is not the one that was folded so far: start anew.
   * @throws ApuraError `log_trimmed`, `log_corrupt`; and what the log throws.
   */
  async advanceTo(offset: number, bytesMax: number): Promise<Reach> {
    if (this.position >= offset) return 'reached';
    if (this.#corrupt !== null) throw this.#corrupt;
    await this.verify();
    let bytes = 0;
    while (this.position < offset) {
      if (this.#isFull()) return 'full';
      if (bytes >= bytesMax) return 'more';
      bytes += await this.#readOn(offset);
    }
    return 'reached';
  }

  /**
   * Reads the last folded block again: is this still the same log?
   *
   * @throws ApuraError as `advanceTo`.
   */
  async verify(): Promise<void> {
    const { nextOffset, lastBlockCrc } = this.#head;
    if (nextOffset === 0) return;
    const { log, partition } = this.#deps;
    const [last] = await log.read(partition, nextOffset - 1, 1);
    if (last === undefined) throw await missingBlocks(log, partition, nextOffset - 1);
    if (decodeLogged(last, partition).crc !== lastBlockCrc) {
      const words = `Partition ${partition} of the log holds another block at ${nextOffset - 1} than before.`;
      throw new ApuraError('log_rewound', words);
    }
  }

  /** What a store must hold that stands at `offset`; null where that is not known (any more, or yet). */
  countsAt(offset: number): TallyReplacement | null {
    if (offset === 0) return { checkpoint: START, counts: [], books: [], closes: [], acts: [] };
    if (offset < this.base || offset > this.position) return null;
    const sum = new RunningCounts();
    sum.add(this.#base.counts(), this.#base.books());
    let checkpoint = this.#baseAt;
    for (const entry of this.#journal) {
      if (entry.checkpoint.nextOffset > offset) break;
      sum.add(entry.counts, entry.books);
      checkpoint = entry.checkpoint;
    }
    return {
      checkpoint,
      counts: sum.counts(),
      books: sum.books(),
      closes: this.#closes.filter((close) => close.offset < offset),
      acts: this.#acts.flatMap((act) => (act.offset < offset ? act.marks : [])),
    };
  }

  /** Lets go of what lies below: nobody asks for counts there again. */
  forgetBelow(offset: number): void {
    this.#floor = Math.max(this.#floor, offset);
    let passed = 0;
    for (const { checkpoint, counts, books } of this.#journal) {
      if (checkpoint.nextOffset > this.#floor) break;
      this.#base.add(counts, books);
      this.#baseAt = checkpoint;
      passed += 1;
    }
    this.#journal.splice(0, passed);
  }

  /** Folds one reading's blocks below `end`. Returns their size, bytes. */
  async #readOn(end: number): Promise<number> {
    const { log, partition } = this.#deps;
    const blocks = await log.read(partition, this.position, READ_BYTES);
    if (blocks.length === 0) throw await missingBlocks(log, partition, this.position);
    let bytes = 0;
    // What nobody asks for block by block is added up as one, also where a later block is damaged.
    const below = new StepTotals();
    try {
      for (const logged of blocks) {
        if (logged.offset >= end || this.#isFull()) break;
        this.#take(this.#decide(logged), below);
        bytes += logged.bytes.length;
      }
    } finally {
      this.#base.add(below.counts(), below.books());
      this.#noteExpired(below.books());
    }
    return bytes;
  }

  #take(decision: Decision, below: StepTotals): void {
    this.#note(decision);
    const { checkpoint } = this.#fold;
    this.#head = checkpoint;
    if (checkpoint.nextOffset <= this.#floor) {
      below.add(decision);
      this.#baseAt = checkpoint;
      return;
    }
    const totals = new StepTotals();
    totals.add(decision);
    const [counts, books] = [totals.counts(), totals.books()];
    this.#journal.push({ checkpoint, counts, books });
    this.#noteExpired(books);
  }

  #isFull(): boolean {
    return this.#journal.length >= (this.#deps.journalBlocksMax ?? JOURNAL_BLOCKS_MAX);
  }

  #note(decision: Decision): void {
    if (decision.kind === 'close' && decision.fresh) {
      this.#closes.push({ scope: decision.scope, offset: decision.offset });
    }
    if (decision.kind === 'acts' && decision.effects.length > 0) {
      const marks = decision.effects.map(({ change, ...mark }): ActMark => mark);
      this.#acts.push({ offset: decision.offset, marks });
    }
  }

  #noteExpired(books: readonly ScopeBooks[]): void {
    for (const { scope, expired } of books) {
      this.#expired.set(scope, (this.#expired.get(scope) ?? 0) + expired);
    }
  }

  #decide(logged: LoggedBlock): Decision {
    const block = decodeLogged(logged, this.#deps.partition);
    try {
      return this.#fold.decide(logged.offset, block);
    } catch (cause) {
      // The fold has moved half way: it can not be asked again.
      this.#corrupt = corruptBlock(logged, this.#deps.partition, cause);
      throw this.#corrupt;
    }
  }
}
