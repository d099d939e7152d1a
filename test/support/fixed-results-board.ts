/** A results board that holds what a test puts on it. */
import type {
  PollMinutes,
  PollTotals,
  ResultsBoard,
} from '../../src/application/voting/results-board.ts';
import type { MinuteVotes } from '../../src/domain/voting/results.ts';
import type { CountsPosition } from '../../src/domain/voting/shown-results.ts';

export class FixedResultsBoard implements ResultsBoard {
  position: CountsPosition = { asOf: 0, version: 0, stale: false };
  /** The ranges of minutes that were asked for. */
  readonly asked: [string, number, number][] = [];
  readonly #minutes = new Map<string, MinuteVotes[]>();

  /** Minutes in ascending order. */
  put(poll: string, minute: number, votes: Readonly<Record<string, number>>): void {
    const minutes = this.#minutes.get(poll) ?? [];
    minutes.push({ minute, votes: new Map(Object.entries(votes)) });
    this.#minutes.set(poll, minutes);
  }

  totals(poll: string): PollTotals {
    const votes = new Map<string, number>();
    for (const minute of this.#minutes.get(poll) ?? []) {
      for (const [id, count] of minute.votes) votes.set(id, (votes.get(id) ?? 0) + count);
    }
    return { ...this.position, votes };
  }

  minutes(poll: string, fromMinute: number, toMinute: number): PollMinutes {
    this.asked.push([poll, fromMinute, toMinute]);
    const minutes = (this.#minutes.get(poll) ?? []).filter(
      ({ minute }) => minute >= fromMinute && minute < toMinute,
    );
    return { ...this.position, minutes };
  }

  span(poll: string): { readonly first: number; readonly last: number } | null {
    const minutes = this.#minutes.get(poll) ?? [];
    const first = minutes[0];
    const last = minutes.at(-1);
    return first && last ? { first: first.minute, last: last.minute } : null;
  }
}
