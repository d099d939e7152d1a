/**
 * The polls of several logs as one directory. An installation grows by a new log with more partitions;
 * a poll stays on the log that it was made on, and its changes stand in that log's control partition.
 */
import { ApuraError } from '../../domain/errors.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { newestFirst } from '../../domain/voting/poll-order.ts';
import type { PollRecord } from '../../domain/voting/poll-record.ts';
import { PollDirectory } from './poll-directory.ts';

/** What readers of polls go by, whether of one log or of several. */
export type PollReading = Pick<
  PollDirectory,
  'stored' | 'shown' | 'list' | 'newest' | 'newestOfAll' | 'subscribe'
>;

export class PollDirectories implements PollReading {
  readonly #directories = new Map<string, PollDirectory>();
  readonly #first: string;
  readonly #onRefused: (error: ApuraError) => void;

  /**
   * `logs`: the ids of the installation's logs, oldest first. `onRefused` is told `log_mismatch` of a
   * record that stands in the control partition of another log than its poll names.
   */
  constructor(logs: readonly string[], onRefused: (error: ApuraError) => void) {
    for (const log of logs) this.#directories.set(log, new PollDirectory());
    this.#first = logs[0] ?? '';
    this.#onRefused = onRefused;
  }

  /** Where the follower of this log's control partition takes its records. */
  of(log: string): Pick<PollDirectory, 'apply'> {
    const directory = this.#directories.get(log);
    if (directory === undefined) throw new RangeError(`The installation has no log ${log}.`);
    return {
      apply: (record) => {
        if (this.logOf(record.poll) === log) return directory.apply(record);
        const { id, version, log: named } = record.poll;
        const detail = `Version ${version} of the poll ${id} names the log ${named}, and stands in ${log}.`;
        this.#onRefused(new ApuraError('log_mismatch', detail));
      },
    };
  }

  /** The id of the log that a poll's votes stand in. */
  logOf(poll: Pick<Poll, 'log'>): string {
    return poll.log === '' ? this.#first : poll.log;
  }

  stored(id: string, now: number): Poll | undefined {
    return this.#find((directory) => directory.stored(id, now));
  }

  shown(id: string, now: number): Poll | undefined {
    return this.#find((directory) => directory.shown(id, now));
  }

  list(now: number): readonly Poll[] {
    return [...this.#directories.values()]
      .flatMap((directory) => directory.list(now))
      .sort(newestFirst);
  }

  newest(id: string): PollRecord | undefined {
    return this.#find((directory) => directory.newest(id));
  }

  *newestOfAll(): Generator<PollRecord> {
    for (const directory of this.#directories.values()) yield* directory.newestOfAll();
  }

  subscribe(listener: (record: PollRecord) => void): Disposable {
    const all = [...this.#directories.values()].map((each) => each.subscribe(listener));
    return {
      [Symbol.dispose]() {
        for (const each of all) each[Symbol.dispose]();
      },
    };
  }

  /** A poll is in one directory at most: its id is taken once in the catalogue, and its log is fixed. */
  #find<T>(ask: (directory: PollDirectory) => T | undefined): T | undefined {
    for (const directory of this.#directories.values()) {
      const found = ask(directory);
      if (found !== undefined) return found;
    }
    return undefined;
  }
}
