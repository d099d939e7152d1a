/**
 * Keeps one store up with the log: follows the partitions that it owns at the moment, one step of each
 * after another, until stopped.
 *
 * It works in rounds. A round takes one step of every partition that is free, all at the same time, so
 * that the round trips to a store in the network overlap. What goes wrong in a partition is that
 * partition's own affair: it waits, is taken over again or halts by itself. One that takes long is
 * waited for until the next heartbeat at most; then the others go on without it.
 */
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { EventLog } from '../../ports/event-log.ts';
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';
import type { PartitionCounts, StepBase } from '../../ports/store-step.ts';
import { FenceBackoff } from './fence-backoff.ts';
import type { Applied, PartitionFollower } from './partition-follower.ts';
import { StepBarriers } from './step-barriers.ts';
import { Turnstile } from './turnstile.ts';

/** Where one partition of one store stands. */
export interface Progress {
  readonly partition: number;
  readonly checkpoint: Checkpoint;
}

export interface StoreWorkerDeps<Step extends StepBase> {
  readonly log: Pick<EventLog, 'changed'>;
  /** Which partitions are this worker's now. A hint: the store's epoch is the proof. */
  readonly ownership: Pick<PartitionOwnership, 'owned' | 'subscribe'>;
  /** Makes a follower that knows nothing yet: its first advance takes the partition over. */
  readonly follower: (partition: number) => PartitionFollower<Step>;
  /** Reads a partition of the store, for `countsAt`. */
  readonly read: (partition: number) => Promise<PartitionCounts>;
  /** About how much of the log one step takes, bytes: bounds a step's memory and its commit. */
  readonly stepBytesMax: number;
  /**
   * The shortest time between two rounds, ms: a round's steps cost the same for few blocks or many. A
   * worker that is behind does not wait.
   */
  readonly roundMs: number;
  /** Waits, or returns early when the signal aborts. Never rejects. */
  readonly sleep: (ms: number, signal: AbortSignal) => Promise<void>;
  /** Told of each applied step, before the partition's next one begins. */
  readonly onApplied: (applied: Applied<Step>) => void;
  /**
   * Told after each round, and at least about once a HEARTBEAT_MS, where every owned partition stands
   * of which that is known.
   */
  readonly onRound: (progress: readonly Progress[]) => void;
  /** Told of a failure that the worker goes on after, and of each try again. */
  readonly onTrouble: (error: unknown) => void;
  /** Told once a partition that it halts for as long as this worker lives. The others go on. */
  readonly onHalted: (partition: number, error: ApuraError) => void;
}

/** Failures that another try can't mend: the log or the store is not what it must be. */
const HALTING: ReadonlySet<string> = new Set([
  'log_rewound',
  'log_trimmed',
  'log_mismatch',
  'log_corrupt',
  'ledger_key_conflict',
  'store_corrupt',
]);
/** Steps under way at the same time: enough to fill a connection, few enough to hold in memory. */
export const STEPS_AT_ONCE_MAX = 16;
/** The longest time from one round to the next, ms: what is told of an idle log stays young. */
export const HEARTBEAT_MS = 1_000;
/**
 * A partition that is idle among busy ones asks its store so seldom whether it still stands where it was
 * left: a store may be emptied or repaired while nothing comes in. About once a second.
 */
const CONFIRM_ROUNDS = 20;
/** Longer than any step that goes on takes: log and stores bound their own waits, and this bounds what they missed. */
export const STEP_MS_MAX = 30_000;
/** From a failure of the moment to the next try, ms. */
export const RETRY_MS = 1_000;

const nobodyWaits = (): void => {};

/** One partition, from being gained to being lost. */
interface Lane<Step extends StepBase> {
  readonly partition: number;
  /** A new one after being fenced: what the old one knows is somebody else's now. */
  follower: PartitionFollower<Step>;
  /** Where the store stood after the last step; null while that is not known. */
  checkpoint: Checkpoint | null;
  isBusy: boolean;
  isPaused: boolean;
  /** Owned no more: forgotten as soon as the step under way has ended. */
  isLost: boolean;
  /** What became of the last step that has ended: `applied`, why it brought nothing, or its error's code. */
  outcome: string;
  /** Rounds in a row that brought nothing. */
  idleRounds: number;
  readonly backoff: FenceBackoff;
}

export class StoreWorker<Step extends StepBase> {
  readonly #deps: StoreWorkerDeps<Step>;
  readonly #lanes = new Map<number, Lane<Step>>();
  readonly #halted = new Map<number, ApuraError>();
  readonly #barriers = new StepBarriers();
  readonly #underWay = new Set<Promise<void>>();
  readonly #turnstile = new Turnstile(STEPS_AT_ONCE_MAX);
  #round = 0;
  /** Whether a step of this round was applied, and whether one was as large as a step may be. */
  #hasMoved = false;
  #isBehind = false;
  /** Whether no partition moved in the round before: rounds are a heartbeat apart. */
  #isQuiet = false;
  /** Whether something has happened since the round began that the next one should see at once. */
  #isRoused = false;
  /** Ends the wait for new blocks. */
  #wake = nobodyWaits;
  #ended = false;

  constructor(deps: StoreWorkerDeps<Step>) {
    this.#deps = deps;
  }

  /** Partitions that this worker has given up for good, and why. */
  get halted(): ReadonlyMap<number, ApuraError> {
    return this.#halted;
  }

  /**
   * What became of a partition's last step, and whether another one is under way: for the words about one
   * that stands still.
   */
  outcomeOf(partition: number): string {
    const halted = this.#halted.get(partition);
    if (halted !== undefined) return `${halted.code}, halted`;
    const lane = this.#lanes.get(partition);
    if (lane === undefined) return 'not worked on';
    if (lane.isBusy) return `${lane.outcome}, a step is under way`;
    return lane.isPaused ? `${lane.outcome}, waits` : lane.outcome;
  }

  /** Ids in the dedup windows of all owned partitions. */
  get windowSize(): number {
    let size = 0;
    for (const { follower } of this.#lanes.values()) size += follower.windowSize;
    return size;
  }

  /** Runs until the signal aborts and every step that was under way has ended. Call it once. */
  async run(signal: AbortSignal): Promise<void> {
    using _ = this.#deps.ownership.subscribe(() => {
      this.#adopt();
      this.#rouse();
    });
    while (!signal.aborted) {
      try {
        await this.#takeRound(signal);
      } catch (error) {
        this.#deps.onTrouble(error);
        await this.#deps.sleep(RETRY_MS, signal);
      }
    }
    await Promise.all(this.#underWay);
    this.#ended = true;
    this.#barriers.release(null);
  }

  /**
   * The store's counts of a partition exactly at `offset`: the worker ends a step there. Null where
   * it is past that already, does not own the partition or loses it, or has ended. Waits for the log
   * to reach the offset.
   */
  countsAt(partition: number, offset: number): Promise<PartitionCounts | null> {
    const isOurs = this.#deps.ownership.owned.has(partition) && !this.#halted.has(partition);
    if (this.#ended || !isOurs) return Promise.resolve(null);
    const counts = this.#barriers.add(partition, offset);
    this.#rouse();
    return counts;
  }

  /** Whether the store has applied the CLOSE of this scope in every partition that is owned now; false where none is. */
  hasPassedClose(scope: string): boolean {
    const { owned } = this.#deps.ownership;
    const hasPassed = (partition: number): boolean =>
      this.#lanes.get(partition)?.follower.hasPassedClose(scope) === true;
    return owned.size > 0 && [...owned].every(hasPassed);
  }

  /** Lanes for what was gained, none for what was lost. */
  #adopt(): void {
    const { ownership, follower } = this.#deps;
    for (const lane of this.#lanes.values()) {
      if (ownership.owned.has(lane.partition)) continue;
      lane.isLost = true;
      this.#barriers.release(lane.partition);
      if (!lane.isBusy) this.#lanes.delete(lane.partition);
    }
    for (const partition of ownership.owned) {
      // One that was lost and gained again begins anew once its last step has ended.
      if (this.#lanes.has(partition) || this.#halted.has(partition)) continue;
      this.#lanes.set(partition, {
        partition,
        follower: follower(partition),
        checkpoint: null,
        isBusy: false,
        isPaused: false,
        isLost: false,
        outcome: 'none yet',
        idleRounds: 0,
        backoff: new FenceBackoff(),
      });
    }
  }

  async #takeRound(signal: AbortSignal): Promise<void> {
    const { onRound, roundMs, sleep } = this.#deps;
    this.#isRoused = false;
    this.#hasMoved = false;
    this.#isBehind = false;
    this.#adopt();
    const steps: Promise<void>[] = [];
    for (const lane of this.#lanes.values()) {
      if (!lane.isBusy && !lane.isPaused) steps.push(this.#begin(lane, signal));
    }
    await this.#orHeartbeat(() => Promise.all(steps), signal);
    this.#round += 1;
    onRound(
      [...this.#lanes.values()].flatMap(({ partition, checkpoint, isLost }) =>
        checkpoint === null || isLost ? [] : [{ partition, checkpoint }],
      ),
    );
    this.#isQuiet = !this.#hasMoved;
    if (this.#isQuiet) await this.#untilChanged(signal);
    // Also a worker that is behind lets questions and the signal through between its rounds.
    await sleep(this.#isBehind ? 0 : roundMs, signal);
  }

  #begin(lane: Lane<Step>, signal: AbortSignal): Promise<void> {
    const round = this.#round;
    lane.isBusy = true;
    const turn = this.#turnstile.pass(async () => {
      if (!lane.isLost && !signal.aborted) await this.#step(lane);
    });
    const failed = (error: unknown): void => this.#fail(lane, error, signal);
    const step = turn.catch(failed).then(() => {
      lane.isBusy = false;
      if (lane.isLost) this.#lanes.delete(lane.partition);
      this.#underWay.delete(step);
      if (round !== this.#round || lane.isLost) this.#rouse();
    });
    this.#underWay.add(step);
    return step;
  }

  /** One step, or the end of patience: what never answers must not hold a partition for ever. */
  async #step(lane: Lane<Step>): Promise<void> {
    const done = new AbortController();
    const late = this.#deps.sleep(STEP_MS_MAX, done.signal).then(() => {
      const words = `A step of partition ${lane.partition} has not ended within ${STEP_MS_MAX} ms.`;
      throw new ApuraError('store_unavailable', words);
    });
    const { follower } = lane;
    try {
      await Promise.race([this.#advance(lane), late]);
    } catch (error) {
      // Whatever the old follower may still do, it is fenced by the take-over of the new one.
      if (lane.follower === follower) lane.follower = this.#deps.follower(lane.partition);
      throw error;
    } finally {
      done.abort();
    }
  }

  async #advance(lane: Lane<Step>): Promise<void> {
    const { onApplied, read, stepBytesMax } = this.#deps;
    const { follower, partition } = lane;
    const meet = async (): Promise<void> => {
      const at = lane.checkpoint?.nextOffset;
      if (at !== undefined) await this.#barriers.meet(partition, at, read);
    };
    await meet();
    const advance = await follower.advance(stepBytesMax, this.#barriers.next(partition));
    if (lane.follower !== follower) return;
    lane.checkpoint = follower.checkpoint;
    lane.outcome = advance.kind === 'applied' ? 'applied' : advance.why;
    if (advance.kind === 'applied') {
      this.#hasMoved = true;
      // About as much as a step may take: the log holds more.
      if (advance.bytes * 2 > stepBytesMax) this.#isBehind = true;
      lane.backoff.moved();
      lane.idleRounds = 0;
      onApplied(advance);
    } else {
      lane.idleRounds += 1;
      if (this.#isQuiet || lane.idleRounds % CONFIRM_ROUNDS === 0) {
        await follower.confirm();
        if (lane.checkpoint !== null && follower.checkpoint === null) lane.outcome = 'misaligned';
      }
    }
    await meet();
  }

  #fail(lane: Lane<Step>, error: unknown, signal: AbortSignal): void {
    const { onHalted, onTrouble } = this.#deps;
    const { partition } = lane;
    lane.checkpoint = null;
    lane.outcome = error instanceof ApuraError ? error.code : String(error);
    if (error instanceof ApuraError && HALTING.has(error.code)) {
      this.#halted.set(partition, error);
      lane.isLost = true;
      this.#barriers.release(partition);
      onHalted(partition, error);
      return;
    }
    const isFenced = error instanceof ApuraError && error.code === 'fenced';
    // Who has lost a partition learns of it from the store or from the group, whichever is first.
    if (isFenced && lane.isLost) return;
    onTrouble(error);
    this.#pause(lane, isFenced ? lane.backoff.fenced() : RETRY_MS, signal);
  }

  #pause(lane: Lane<Step>, ms: number, signal: AbortSignal): void {
    lane.isPaused = true;
    void this.#deps.sleep(ms, signal).then(() => {
      lane.isPaused = false;
      this.#rouse();
    });
  }

  #rouse(): void {
    this.#isRoused = true;
    this.#wake();
  }

  /** Waits for the log to grow in a partition that is free, for `#rouse`, or for the heartbeat. */
  async #untilChanged(signal: AbortSignal): Promise<void> {
    const free = [...this.#lanes.values()].filter((lane) => !lane.isBusy && !lane.isPaused);
    const positions = free.flatMap(({ partition, checkpoint }) =>
      checkpoint === null ? [] : [{ partition, offset: checkpoint.nextOffset }],
    );
    // Where a store stands elsewhere than its follower thought, the next round reads where.
    if (this.#isRoused || positions.length < free.length) return;
    await this.#orHeartbeat((waiting) => {
      this.#wake = () => waiting.abort();
      return this.#deps.log.changed(positions, waiting.signal);
    }, signal);
  }

  /** Waits for `work`, but no longer than HEARTBEAT_MS, nor past an abort. */
  async #orHeartbeat(
    work: (waiting: AbortController) => Promise<unknown>,
    signal: AbortSignal,
  ): Promise<void> {
    const waiting = new AbortController();
    const end = (): void => waiting.abort();
    signal.addEventListener('abort', end);
    if (signal.aborted) end();
    try {
      const heartbeat = this.#deps.sleep(HEARTBEAT_MS, waiting.signal);
      await Promise.race([work(waiting), heartbeat]);
    } finally {
      this.#wake = nobodyWaits;
      signal.removeEventListener('abort', end);
      end();
    }
  }
}
