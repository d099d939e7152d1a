/** Carries poll changes from the catalogue to the log's control partition, and heals after a crash. */
import {
  decodePollRecord,
  encodePollRecord,
  type PollRecord,
} from '../../domain/voting/poll-record.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PollDirectory } from './poll-directory.ts';

export interface PublishPollChangesDeps {
  readonly catalogue: Catalogue;
  readonly directory: PollDirectory;
  readonly clock: Clock;
  /** How far ahead a change takes effect: 0 with one door, at least 2,000 with several. */
  readonly effectDelayMs: number;
  /** Appends one control block with this payload; resolves once it is durable. */
  readonly appendControl: (payload: Uint8Array) => Promise<void>;
}

/**
 * Writes every unpublished poll version to the log, a poll's versions in their order, applies each to
 * the directory and confirms it. The directory must have followed the control partition to its end.
 * Repeatable at any point: a version that the log holds already is only confirmed, and one that
 * stands in the log twice counts once.
 *
 * Calls run one after the other, so that versions never overtake each other.
 */
export class PublishPollChanges {
  readonly #deps: PublishPollChangesDeps;
  #last: Promise<void> = Promise.resolve();

  constructor(deps: PublishPollChangesDeps) {
    this.#deps = deps;
  }

  /** @throws whatever `appendControl` or the catalogue throws; what is left is written next time. */
  run(): Promise<void> {
    const run = this.#last.then(() => this.#publish());
    this.#last = run.catch(() => {});
    return run;
  }

  async #publish(): Promise<void> {
    const { catalogue, directory, clock, effectDelayMs, appendControl } = this.#deps;
    for (const poll of await catalogue.unpublished()) {
      const known = directory.newest(poll.id)?.poll.version ?? 0;
      if (poll.version > known) {
        const effectiveAt = clock.now() + effectDelayMs;
        const record: PollRecord = { type: 'poll', effectiveAt, poll };
        await appendControl(encodePollRecord(record));
        directory.apply(record);
      }
      await catalogue.markPublished(poll.id, poll.version);
    }
  }
}

/** Takes a control block's payload, as read from the log, into the directory. */
export function followPollRecord(directory: PollDirectory, payload: Uint8Array): void {
  directory.apply(decodePollRecord(payload));
}
