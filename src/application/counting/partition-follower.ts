/**
 * Follows one partition for one store: reads the log where the store stands, decides, and moves the
 * store by whole steps. The store's position is the only memory of how far it has got.
 */

import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { type Decision, PartitionFold } from '../../domain/counting/partition-fold.ts';
import { StepTotals } from '../../domain/counting/step-totals.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog, LoggedBlock } from '../../ports/event-log.ts';
import type {
  ActMark,
  CloseMark,
  CommitOutcome,
  StepBase,
  Takeover,
} from '../../ports/store-step.ts';
import { corruptBlock, decodeLogged } from './logged-block.ts';
import { missingBlocks } from './missing-blocks.ts';

/** The two methods of a store that a follower needs. */
export interface StepStore<Step extends StepBase> {
  takeOver(partition: number): Promise<Takeover>;
  commit(step: Step): Promise<CommitOutcome>;
}

/** Turns the decisions of one step into the step that the store takes. */
export interface StepCollector<Step extends StepBase> {
  add(decision: Decision): void;
  step(base: StepBase): Step;
}

export interface FollowerDeps<Step extends StepBase> {
  readonly log: EventLog;
  readonly store: StepStore<Step>;
  readonly partition: number;
  /** W of the log's settings. */
  readonly dedupWindowMs: number;
  /** Any 32 random bits: see DedupWindow. */
  readonly seed: number;
  readonly collector: () => StepCollector<Step>;
}

/** One step that the store has taken. */
export interface Applied<Step extends StepBase> {
  readonly kind: 'applied';
  readonly step: Step;
  /** How much of the log the step covers, bytes. */
  readonly bytes: number;
}

/**
 * Why nothing was applied. `end`: the log gives nothing more. `stop`: no step may go further for now. The
 * others: the store stands elsewhere than the follower thought, and is asked where by the next call.
 */
export type IdleReason = 'end' | 'stop' | 'already-applied' | 'misaligned';

export type Advance<Step extends StepBase> =
  | Applied<Step>
  | { readonly kind: 'idle'; readonly why: IdleReason };

const REREAD_BYTES = 4 << 20;

export class PartitionFollower<Step extends StepBase> {
  readonly #deps: FollowerDeps<Step>;
  #epoch = 0;
  #fold: PartitionFold | null = null;
  readonly #passedCloses = new Set<string>();

  constructor(deps: FollowerDeps<Step>) {
    this.#deps = deps;
  }

  get partition(): number {
    return this.#deps.partition;
  }

  /** The store's position; null before the first `advance`. */
  get checkpoint(): Checkpoint | null {
    return this.#fold?.warm === true ? this.#fold.checkpoint : null;
  }

  /** Whether the store has applied the CLOSE of this scope. */
  hasPassedClose(scope: string): boolean {
    return this.#passedCloses.has(scope);
  }

  get windowSize(): number {
    return this.#fold?.windowSize ?? 0;
  }

  /**
   * Applies the next blocks, about `maxBytes` of them, and none at or above `end` where it is given.
   * After any exception the next call takes the partition over afresh.
   *
   * @throws ApuraError `fenced`: another owner took the partition; do not call again.
   * @throws ApuraError `log_rewound`, `log_trimmed`, `log_mismatch`, `log_corrupt`: the log is not the
   *   one that the store knows, or is damaged. Stop, and say so.
   */
  async advance(maxBytes: number, end = Number.POSITIVE_INFINITY): Promise<Advance<Step>> {
    try {
      const fold = this.#fold ?? (await this.#takeOver());
      return await this.#advance(fold, maxBytes, end);
    } catch (error) {
      this.#fold = null;
      throw error;
    }
  }

  /**
   * Asks the store whether it stands where this follower has left it: one that was emptied, replaced or
   * repaired says so at the next step, and on a quiet log there is none. Where it stands elsewhere the
   * next `advance` takes it over and goes on from there.
   *
   * @throws ApuraError `fenced`, as `advance`.
   */
  async confirm(): Promise<void> {
    const fold = this.#fold;
    if (fold === null) return;
    const { checkpoint } = fold;
    const { partition, store, collector } = this.#deps;
    const nothing = { acceptedFrom: null, counts: [], books: [], closes: [], acts: [] };
    const from = checkpoint.nextOffset;
    const step = collector().step({ partition, epoch: this.#epoch, from, checkpoint, ...nothing });
    this.#fold = null;
    const outcome = await store.commit(step);
    if (outcome === 'fenced') throw this.#fenced();
    if (outcome !== 'misaligned') this.#fold = fold;
  }

  async #takeOver(): Promise<PartitionFold> {
    const { log, store, partition, dedupWindowMs, seed } = this.#deps;
    const taken = await store.takeOver(partition);
    this.#epoch = taken.epoch;
    this.#passedCloses.clear();
    for (const { scope } of taken.closes) this.#passedCloses.add(scope);
    const fold = new PartitionFold(dedupWindowMs, taken, seed);
    while (!fold.warm) {
      const blocks = await log.read(partition, fold.position, REREAD_BYTES);
      if (blocks.length === 0) throw await missingBlocks(log, partition, fold.position);
      for (const block of blocks) {
        if (!fold.warm) fold.reread(block.offset, decodeLogged(block, this.#deps.partition));
      }
    }
    this.#fold = fold;
    return fold;
  }

  async #advance(fold: PartitionFold, maxBytes: number, end: number): Promise<Advance<Step>> {
    const from = fold.position;
    if (from >= end) return { kind: 'idle', why: 'stop' };
    const blocks = await this.#deps.log.read(this.#deps.partition, from, maxBytes);
    if (blocks.length === 0) return { kind: 'idle', why: 'end' };
    const totals = new StepTotals();
    const collector = this.#deps.collector();
    const closes: CloseMark[] = [];
    const acts: ActMark[] = [];
    let acceptedFrom: number | null = null;
    let bytes = 0;
    for (const logged of blocks) {
      if (logged.offset >= end) break;
      const decision = this.#decide(fold, logged);
      bytes += logged.bytes.length;
      totals.add(decision);
      collector.add(decision);
      if (decision.kind === 'close' && decision.fresh) {
        closes.push({ scope: decision.scope, offset: decision.offset });
      }
      if (decision.kind === 'acts') acts.push(...decision.effects.map(actMark));
      if (decision.kind === 'events') {
        const accepted = decision.block.blockTime - (decision.block.acceptanceDelta[0] ?? 0);
        acceptedFrom = Math.min(acceptedFrom ?? accepted, accepted);
      }
    }
    const step = collector.step({
      partition: this.#deps.partition,
      epoch: this.#epoch,
      from,
      checkpoint: fold.checkpoint,
      acceptedFrom,
      counts: totals.counts(),
      books: totals.books(),
      closes,
      acts,
    });
    const outcome = await this.#deps.store.commit(step);
    if (outcome === 'applied') {
      for (const { scope } of closes) this.#passedCloses.add(scope);
      return { kind: 'applied', step, bytes };
    }
    this.#fold = null;
    if (outcome === 'fenced') throw this.#fenced();
    // The store stands elsewhere than this follower thought: the next call reads where.
    return { kind: 'idle', why: outcome };
  }

  #fenced(): ApuraError {
    return new ApuraError('fenced', `Partition ${this.#deps.partition} has another owner now.`);
  }

  #decide(fold: PartitionFold, logged: LoggedBlock): Decision {
    const block = decodeLogged(logged, this.#deps.partition);
    try {
      return fold.decide(logged.offset, block);
    } catch (cause) {
      throw corruptBlock(logged, this.#deps.partition, cause);
    }
  }
}

function actMark(effect: ActMark): ActMark {
  const { kind, actId, target, scope, item, lane, minute } = effect;
  return { kind, actId, target, scope, item, lane, minute };
}
