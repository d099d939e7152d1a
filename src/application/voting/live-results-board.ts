/** The results board that the live feed fills: what every results route and viewer is answered from. */
import type { MinuteVotes } from '../../domain/voting/results.ts';
import type { CountsPosition } from '../../domain/voting/shown-results.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { PollMinutes, PollTotals, ResultsBoard } from './results-board.ts';

interface Entry {
  frame: TallyFrame;
  /** Votes of the lane `valid` an option, by minute. */
  readonly minutes: Map<number, Map<string, number>>;
  /** Minutes in order; null when a new one has to be sorted in first. */
  sorted: readonly MinuteVotes[] | null;
}

const NO_VOTES: ReadonlyMap<string, number> = new Map();

export class LiveResultsBoard implements ResultsBoard {
  readonly #entries = new Map<string, Entry>();
  #position: CountsPosition = { asOf: 0, version: 0, stale: true };

  /** Takes the tally's position over, also where no poll's counts have changed. Never goes backwards. */
  advance({ asOf, version, stale }: CountsPosition): void {
    // Nothing else of what is given: a frame tells of one poll, the position goes to all.
    if (version >= this.#position.version) this.#position = { asOf, version, stale };
  }

  /** Says of all counts that they fall behind from now on: nobody moves them any more. */
  markStale(): void {
    this.#position = { ...this.#position, stale: true };
  }

  /** Takes a scope's newest counts over. */
  accept(frame: TallyFrame): void {
    this.advance(frame);
    const entry = this.#entry(frame);
    entry.frame = frame;
    for (const { lane, minute, item, count } of frame.minutes) {
      if (lane !== 'valid') continue;
      let votes = entry.minutes.get(minute);
      if (votes === undefined) {
        votes = new Map();
        entry.minutes.set(minute, votes);
        entry.sorted = null;
      }
      votes.set(item, count);
    }
  }

  totals(poll: string): PollTotals {
    return { ...this.#position, votes: this.#entries.get(poll)?.frame.items ?? NO_VOTES };
  }

  minutes(poll: string, fromMinute: number, toMinute: number): PollMinutes {
    const entry = this.#entries.get(poll);
    const minutes = entry === undefined ? [] : sortedMinutes(entry);
    return {
      ...this.#position,
      minutes: minutes.filter(({ minute }) => minute >= fromMinute && minute < toMinute),
    };
  }

  span(poll: string): { readonly first: number; readonly last: number } | null {
    const entry = this.#entries.get(poll);
    const minutes = entry === undefined ? [] : sortedMinutes(entry);
    const first = minutes[0];
    const last = minutes.at(-1);
    return first === undefined || last === undefined
      ? null
      : { first: first.minute, last: last.minute };
  }

  #entry(frame: TallyFrame): Entry {
    let entry = this.#entries.get(frame.scope);
    if (entry === undefined) {
      entry = { frame, minutes: new Map(), sorted: null };
      this.#entries.set(frame.scope, entry);
    }
    return entry;
  }
}

function sortedMinutes(entry: Entry): readonly MinuteVotes[] {
  entry.sorted ??= [...entry.minutes]
    .map(([minute, votes]) => ({ minute, votes }))
    .sort((left, right) => left.minute - right.minute);
  return entry.sorted;
}
