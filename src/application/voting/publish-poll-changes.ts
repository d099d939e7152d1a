/** Carries poll changes from the catalogue to the log's control partition, and heals after a crash. */

import type { Poll } from '../../domain/voting/poll.ts';
import {
  decodePollRecord,
  encodePollRecord,
  type PollRecord,
} from '../../domain/voting/poll-record.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PollDirectory } from './poll-directory.ts';

export interface PublishPollChangesDeps {
  /** The unpublished polls of the logs that this process writes to. */
  readonly catalogue: Pick<Catalogue, 'unpublished' | 'markPublished'>;
  /** Fed by the process's follower of the control partition. */
  readonly directory: Pick<PollDirectory, 'newest'>;
  readonly clock: Clock;
  /** How far ahead a change takes effect: 0 with one door, EFFECT_DELAY_APART_MS with several. */
  readonly effectDelayMs: number;
  /** Appends one control block with this payload to the poll's log; resolves to its offset once it is durable. */
  readonly appendControl: (payload: Uint8Array, poll: Poll) => Promise<number>;
  /** Resolves once the directory holds the control partition of the poll's log up to and with this offset. */
  readonly applied: (offset: number, poll: Poll) => Promise<void>;
}

/**
 * How far ahead a change takes effect where several doors go by it, ms: one that has not read it by
 * then has not read for longer than CONTROL_STALE_MS, and takes no votes.
 */
export const EFFECT_DELAY_APART_MS = 2_000;

/**
 * Writes every unpublished poll version to the log, a poll's versions in their order, and confirms it
 * once this process has read it there. What holds is what the log says, to everybody alike: of the same
 * version written twice, by two processes or by one in doubt, the first in the log stands, with its
 * instant. Repeatable at any point: a version that the log is known to hold is only confirmed.
 *
 * Calls run one after the other, so that versions never overtake each other.
 */
export class PublishPollChanges {
  readonly #deps: PublishPollChangesDeps;
  #last: Promise<void> = Promise.resolve();

  constructor(deps: PublishPollChangesDeps) {
    this.#deps = deps;
  }

  /** @throws whatever `appendControl`, `applied` or the catalogue throws; what is left is written next time. */
  run(): Promise<void> {
    const run = this.#last.then(() => this.#publish());
    this.#last = run.catch(() => {});
    return run;
  }

  async #publish(): Promise<void> {
    const { catalogue, directory, clock, effectDelayMs, appendControl, applied } = this.#deps;
    for (const poll of await catalogue.unpublished()) {
      const known = directory.newest(poll.id)?.poll.version ?? 0;
      if (poll.version > known) {
        const effectiveAt = clock.now() + effectDelayMs;
        const record: PollRecord = { type: 'poll', effectiveAt, poll };
        await applied(await appendControl(encodePollRecord(record), poll), poll);
      }
      await catalogue.markPublished(poll.id, poll.version);
    }
  }
}

/** Takes a control block's payload, as read from the log, into the directory. */
export function followPollRecord(
  directory: Pick<PollDirectory, 'apply'>,
  payload: Uint8Array,
): void {
  directory.apply(decodePollRecord(payload));
}
