/** The polls as the log's control partition tells them: what doors, feed and results go by, in memory. */
import type { Poll } from '../../domain/voting/poll.ts';
import { newestFirst } from '../../domain/voting/poll-order.ts';
import type { PollRecord } from '../../domain/voting/poll-record.ts';
import { pollAt } from '../../domain/voting/poll-state-at.ts';

interface Entry {
  /** The newest record that had taken effect when it was last looked. */
  record: PollRecord;
  /** Records that take effect later, by version; almost always empty. */
  ahead: PollRecord[];
}

/** A fold of poll records in log order. Never asks a store. */
export class PollDirectory {
  readonly #entries = new Map<string, Entry>();
  readonly #listeners = new Set<(record: PollRecord) => void>();

  /** Takes in the next record of the control partition; one that is known already changes nothing. */
  apply(record: PollRecord): void {
    const entry = this.#entries.get(record.poll.id);
    if (entry === undefined) {
      this.#entries.set(record.poll.id, { record, ahead: [] });
    } else {
      if (record.poll.version <= newestOf(entry).poll.version) return;
      entry.ahead.push(record);
    }
    for (const listener of this.#listeners) listener(record);
  }

  /**
   * The poll by which to go at `now`, with its stored state: `doorAt` and `stateAt` ask the clock.
   * Undefined where there is none of this id. A poll is in force at once when it is new.
   */
  stored(id: string, now: number): Poll | undefined {
    const entry = this.#entries.get(id);
    if (entry === undefined) return undefined;
    if (entry.ahead.length > 0) takeEffect(entry, now);
    return entry.record.poll;
  }

  /** The poll as it is to be shown at `now`: its state by the clock. */
  shown(id: string, now: number): Poll | undefined {
    const poll = this.stored(id, now);
    return poll === undefined ? undefined : pollAt(poll, now);
  }

  /** Every poll as it is to be shown at `now`, newest first. */
  list(now: number): readonly Poll[] {
    const polls: Poll[] = [];
    for (const id of this.#entries.keys()) {
      const poll = this.shown(id, now);
      if (poll !== undefined) polls.push(poll);
    }
    return polls.sort(newestFirst);
  }

  /** The newest record of a poll, in effect or not. */
  newest(id: string): PollRecord | undefined {
    const entry = this.#entries.get(id);
    return entry === undefined ? undefined : newestOf(entry);
  }

  /** The newest record of every poll, in effect or not. */
  *newestOfAll(): Generator<PollRecord> {
    for (const entry of this.#entries.values()) yield newestOf(entry);
  }

  /** Calls back with each record that changes something, until disposed. */
  subscribe(listener: (record: PollRecord) => void): Disposable {
    this.#listeners.add(listener);
    return { [Symbol.dispose]: () => void this.#listeners.delete(listener) };
  }
}

function newestOf(entry: Entry): PollRecord {
  return entry.ahead.at(-1) ?? entry.record;
}

/** A record holds from its instant on, and so do all before it: versions never go back. */
function takeEffect(entry: Entry, now: number): void {
  const index = entry.ahead.findLastIndex((record) => record.effectiveAt <= now);
  const record = entry.ahead[index];
  if (record === undefined) return;
  entry.record = record;
  entry.ahead = entry.ahead.slice(index + 1);
}
