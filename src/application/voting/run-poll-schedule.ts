/** Does what the clock asks for: opens polls, shuts them, and sees a closing poll through to closed. */
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import type { Poll, PollState } from '../../domain/voting/poll.ts';
import { decideByClock, decideClosed } from '../../domain/voting/poll-lifecycle.ts';
import type { PollRecord } from '../../domain/voting/poll-record.ts';
import { type ActName, CLOCK_ACTOR } from '../../ports/catalogue.ts';
import type { PollReading } from './log-router.ts';
import { editPoll, type PollEditorDeps } from './poll-editor.ts';

export interface RunPollScheduleDeps extends PollEditorDeps {
  readonly directory: PollReading;
  readonly settings: Pick<LogSettings, 'acceptanceBoundMs' | 'clockBoundMs'>;
  /** Appends the poll's CLOSE to every event partition. A second CLOSE of a poll changes nothing. */
  readonly appendClose: (poll: Poll) => Promise<void>;
  /** Whether every store has passed a CLOSE of the poll in every partition. */
  readonly storesPassed: (poll: Poll) => Promise<boolean>;
}

/**
 * One closer per log. Doors do not wait for it: they open and shut by their own clock. A restart may
 * come at any point: what was under way is found again in the directory.
 */
export class RunPollSchedule {
  readonly #deps: RunPollScheduleDeps;
  /** Polls whose CLOSE this process has appended. */
  readonly #closeAppended = new Set<string>();
  /** `clock.monotonic()` of the first round that found a poll closing. */
  readonly #closingSince = new Map<string, number>();

  constructor(deps: RunPollScheduleDeps) {
    this.#deps = deps;
  }

  /**
   * One round: publishes what an earlier crash left, then moves every poll that is due. Call it often
   * (a round without anything due asks no store), one call at a time. One poll's failure does not
   * hold up the others.
   *
   * @throws the first failure, after the round; the next round tries again.
   */
  async step(): Promise<void> {
    const failures: unknown[] = [];
    await this.#deps.publisher.run();
    for (const record of [...this.#deps.directory.newestOfAll()]) {
      await this.#move(record).catch((failure: unknown) => failures.push(failure));
    }
    if (failures.length > 0) throw failures[0];
  }

  async #move(record: PollRecord): Promise<void> {
    const now = this.#deps.clock.now();
    const { poll } = record;
    if (decideByClock(poll, now) !== null) {
      await this.#store(poll, (newest) => decideByClock(newest, now));
    } else if (poll.state === 'closing' && this.#isCloseDue(record, now)) {
      await this.#close(poll, now);
    }
  }

  /**
   * Whether no door can have a vote under way: the doors shut at closesAt, or when the record that
   * shuts them takes effect; clocks differ by S either way; a log's answer is awaited for A.
   *
   * Other processes' doors may read that record later than it was to take effect, where the log was
   * slow to take it: the same wait counts from when it was read here, too. No door goes by what is
   * older than CONTROL_STALE_MS, which is less than 2S.
   */
  #isCloseDue({ poll, effectiveAt }: PollRecord, now: number): boolean {
    const { clock, effectDelayMs, settings } = this.#deps;
    const waitMs = settings.acceptanceBoundMs + 2 * settings.clockBoundMs;
    if (effectDelayMs > 0) {
      const at = clock.monotonic();
      const since = this.#closingSince.get(poll.id) ?? at;
      this.#closingSince.set(poll.id, since);
      if (at - since < waitMs) return false;
    }
    return now >= Math.max(poll.closesAt ?? 0, effectiveAt) + waitMs;
  }

  async #close(poll: Poll, now: number): Promise<void> {
    const { appendClose, storesPassed } = this.#deps;
    let hasPassed = await storesPassed(poll);
    if (!hasPassed && !this.#closeAppended.has(poll.id)) {
      await appendClose(poll);
      this.#closeAppended.add(poll.id);
      hasPassed = await storesPassed(poll);
    }
    if (!hasPassed) return;
    await this.#store(poll, (newest) => decideClosed(newest, now));
    this.#closeAppended.delete(poll.id);
    this.#closingSince.delete(poll.id);
  }

  async #store(poll: Poll, decide: (newest: Poll) => Poll | null): Promise<void> {
    await editPoll<never>(this.#deps, { poll: poll.id, actor: CLOCK_ACTOR }, (newest) => {
      const next = decide(newest);
      if (next === null) return { kind: 'settled', outcome: { kind: 'ok', poll: newest } };
      return { kind: 'store', poll: next, act: actTo(next.state), detail: null, image: null };
    });
  }
}

/** How an act of the clock is called, by the state that it leads to. */
function actTo(state: PollState): ActName {
  if (state === 'open') return 'open';
  return state === 'closing' ? 'close' : 'closed';
}
