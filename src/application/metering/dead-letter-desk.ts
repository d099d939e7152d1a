/**
 * Decides about dead letters: sends their bytes again into the log that they came from, or gives them up.
 *
 * The bytes are in the log before the letter is REQUEUED, in one step and only where they have not failed
 * again meanwhile: a crash at any place leaves it PENDING, to be sent again, or REQUEUED with its bytes on
 * their way; and whoever reads the log knows what it has taken already.
 */
import { type BlockWriter, decodeBlock, encodePulseBlock } from '../../domain/counting/block.ts';
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { DeadLetter, DeadLetterState } from '../../domain/metering/dead-letter.ts';
import { varintLength, writeVarint } from '../../domain/metering/wire-varint.ts';
import type { Clock } from '../../ports/clock.ts';
import type { DeadLetterFilter, DeadLetters } from '../../ports/dead-letters.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';

/** A log that bytes are sent into again. */
export interface LetterLog {
  readonly logId: string;
  readonly partitions: number;
  /** Appends a block's bytes as they are. */
  readonly append: (partition: number, bytes: Uint8Array) => Promise<unknown>;
}

export interface DeadLetterDeskDeps {
  readonly letters: DeadLetters;
  readonly catalogue: Pick<MeteringCatalogue, 'recordAct'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly pulses: LetterLog;
  /** The log `resource-usage`; null where usage goes to rating without one. */
  readonly usage: LetterLog | null;
  readonly appendControl: (partition: number, payload: Uint8Array) => Promise<unknown>;
  /** Names the next block that is made here. */
  readonly nextSource: () => BlockWriter;
}

export type LetterResult =
  | { readonly kind: 'ok'; readonly letter: DeadLetter }
  | { readonly kind: 'not_found' }
  /** It is in a state that does not allow it. */
  | { readonly kind: 'conflict'; readonly letter: DeadLetter };

/** What became of many letters at once. */
export interface LettersResolved {
  readonly resolved: number;
  /** Of a page: those that stay as they are, and why. */
  readonly failed: readonly LetterFailure[];
  /** Where the next call goes on; null where no more match. */
  readonly nextCursor: string | null;
}

export interface LetterFailure {
  readonly id: string;
  readonly code: ErrorCode;
  readonly detail: string;
}

/** What keeps the letter itself from being sent again; any other failure is everybody's. */
export const LETTER_FAILURES: ReadonlySet<ErrorCode> = new Set(['log_mismatch', 'not_ready']);

/** Letters that one call decides about at most. */
const AT_ONCE_MAX = 500;
/** Who sends letters again when their time has come. */
const CLOCK_ACTOR = 'clock';

export class DeadLetterDesk {
  readonly #deps: DeadLetterDeskDeps;
  /** By letter: the end of what is being decided about it. */
  readonly #turns = new Map<string, Promise<unknown>>();

  constructor(deps: DeadLetterDeskDeps) {
    this.#deps = deps;
  }

  /**
   * Sends a PENDING letter's bytes again.
   *
   * @throws ApuraError `log_mismatch`: they come from another log; `not_ready`: this process has not that log.
   * @throws as EventLog.append and the stores: the letter is PENDING as before, or was sent.
   */
  requeue({ id, actor }: { id: string; actor: string }): Promise<LetterResult> {
    return this.#inTurn(id, async () => {
      const letter = await this.#deps.letters.get(id);
      if (letter === null) return { kind: 'not_found' };
      if (letter.state !== 'PENDING') return { kind: 'conflict', letter };
      await this.#sendAgain(letter);
      return this.#settle(letter, 'REQUEUED', actor);
    });
  }

  /** Gives a PENDING letter up; its bytes stay. @throws as the stores. */
  discard({ id, actor }: { id: string; actor: string }): Promise<LetterResult> {
    return this.#inTurn(id, async () => {
      const letter = await this.#deps.letters.get(id);
      if (letter === null) return { kind: 'not_found' };
      if (letter.state !== 'PENDING') return { kind: 'conflict', letter };
      return this.#settle(letter, 'DISCARDED', actor);
    });
  }

  /**
   * One decision about a letter after another: who gave one up while its bytes were being sent would be
   * told that they are not, and who sent it twice at once would have sent them twice. Of two processes
   * the store lets one decide, but bytes may be on their way by then.
   */
  async #inTurn<T>(id: string, decide: () => Promise<T>): Promise<T> {
    const turn = (this.#turns.get(id) ?? Promise.resolve()).then(decide, decide);
    this.#turns.set(id, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(id) === turn) this.#turns.delete(id);
    }
  }

  /**
   * The same for PENDING letters that match, AT_ONCE_MAX of them from the cursor on. What keeps one letter
   * from it keeps no other.
   *
   * @throws ApuraError `invalid_query`: the cursor is not one of these.
   * @throws as EventLog.append and the stores: some were resolved, and all others are PENDING as before.
   */
  async resolveAll(input: {
    readonly filter: DeadLetterFilter;
    readonly state: 'REQUEUED' | 'DISCARDED';
    readonly actor: string;
    readonly cursor: string | null;
  }): Promise<LettersResolved> {
    const { filter, state, actor, cursor } = input;
    const pending = { ...filter, state: 'PENDING' } as const;
    const page = await this.#deps.letters.list(pending, cursor, AT_ONCE_MAX);
    let resolved = 0;
    const failed: LetterFailure[] = [];
    for (const { id } of page.letters) {
      const failure = await this.#decide(id, state, actor);
      if (failure === null) resolved += 1;
      else failed.push(failure);
    }
    return { resolved, failed, nextCursor: page.nextCursor };
  }

  async #decide(
    id: string,
    state: 'REQUEUED' | 'DISCARDED',
    actor: string,
  ): Promise<LetterFailure | null> {
    try {
      const outcome = await (state === 'REQUEUED'
        ? this.requeue({ id, actor })
        : this.discard({ id, actor }));
      if (outcome.kind === 'ok') return null;
      if (outcome.kind === 'conflict') {
        const detail = `The letter is ${outcome.letter.state}.`;
        return { id, code: 'dead_letter_state', detail };
      }
      return { id, code: 'dead_letter_not_found', detail: 'No dead letter has this id.' };
    } catch (error) {
      if (!(error instanceof ApuraError)) throw error;
      const { code, message } = error;
      if (LETTER_FAILURES.has(code)) return { id, code, detail: message };
      throw error;
    }
  }

  /** Sends the letters again whose time has come. Resolves to how many. @throws as `requeue`. */
  async retryDue(): Promise<number> {
    const { letters, clock } = this.#deps;
    const due = await letters.due(clock.now(), AT_ONCE_MAX);
    let sent = 0;
    for (const { id } of due) {
      if ((await this.#decide(id, 'REQUEUED', CLOCK_ACTOR)) === null) sent += 1;
    }
    return sent;
  }

  async #sendAgain({ queue, origin, code, bytes }: DeadLetter): Promise<void> {
    const { pulses, usage, appendControl, clock, nextSource } = this.#deps;
    const { partition } = origin;
    const log = queue === 'resource-usage.dlq' ? usage : pulses;
    if (log === null) throw new ApuraError('not_ready', 'This installation has no log of usage.');
    if (log.logId !== origin.logId) {
      throw new ApuraError('log_mismatch', `The bytes come from the log ${origin.logId}.`);
    }
    if (log === pulses && origin.index !== null) {
      const framed = new Uint8Array(varintLength(bytes.length) + bytes.length);
      framed.set(bytes, writeVarint(framed, 0, bytes.length));
      await log.append(
        partition,
        encodePulseBlock(partition, clock.now(), nextSource(), 1, framed),
      );
    } else if (log === pulses && code === 'act_target_unknown') {
      // The letter of an act holds the record alone, so that the same act is always the same letter.
      await appendControl(partition, bytes);
    } else {
      await log.append(sealedPartition(bytes, log.partitions) ?? partition, bytes);
    }
  }

  async #settle(letter: DeadLetter, state: DeadLetterState, actor: string): Promise<LetterResult> {
    const { letters, catalogue, clock } = this.#deps;
    const { id, tenant, attempts, code } = letter;
    const by = { actor, at: clock.now() };
    const isRequeued = state === 'REQUEUED';
    const outcome = isRequeued
      ? await letters.resolve(id, ['PENDING'], state, by, attempts)
      : await letters.resolve(id, ['PENDING'], state, by);
    const newest = (await letters.get(id)) ?? letter;
    // The bytes may have failed again already: then the letter waits, as it did before they were sent.
    const hasFailedAgain = isRequeued && newest.state === 'PENDING' && newest.attempts > attempts;
    if (outcome !== 'resolved' && !hasFailedAgain) return { kind: 'conflict', letter: newest };
    const act = isRequeued ? 'requeue' : 'discard';
    await catalogue.recordAct({ ...by, act, kind: 'dead_letter', id, tenant, detail: code });
    return { kind: 'ok', letter: newest };
  }
}

/** Where a whole block belongs, which is not always where it lay; null where the bytes don't tell. */
function sealedPartition(bytes: Uint8Array, partitions: number): number | null {
  try {
    const { partition } = decodeBlock(bytes);
    return partition < partitions ? partition : null;
  } catch {
    return null;
  }
}
