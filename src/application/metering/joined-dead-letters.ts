/**
 * The dead letters of two stores as one list: each store keeps those that its own steps write, so that
 * moving on and keeping what failed are one transaction.
 */
import {
  type DeadLetter,
  type DeadLetterState,
  letterCursorAt,
  newestFailureFirst,
} from '../../domain/metering/dead-letter.ts';
import type { DeadLetterFilter, DeadLetterPage, DeadLetters } from '../../ports/dead-letters.ts';

/** A letter's id is a digest with its queue in it: no two stores hold the same one. */
export class JoinedDeadLetters implements DeadLetters {
  readonly #stores: readonly [DeadLetters, DeadLetters];

  constructor(first: DeadLetters, second: DeadLetters) {
    this.#stores = [first, second];
  }

  async list(
    filter: DeadLetterFilter,
    cursor: string | null,
    limit: number,
  ): Promise<DeadLetterPage> {
    // A cursor names a place, not a letter: each store goes on from it.
    const pages = await this.#ask((store) => store.list(filter, cursor, limit));
    const found = pages.flatMap(({ letters }) => letters).sort(newestFailureFirst);
    const letters = found.slice(0, limit);
    const last = letters.at(-1);
    const hasMore = found.length > limit || pages.some(({ nextCursor }) => nextCursor !== null);
    return { letters, nextCursor: last !== undefined && hasMore ? letterCursorAt(last) : null };
  }

  async get(id: string): Promise<DeadLetter | null> {
    const [first, second] = this.#stores;
    return (await first.get(id)) ?? second.get(id);
  }

  async pending(): ReturnType<DeadLetters['pending']> {
    const [first, second] = await this.#ask((store) => store.pending());
    const sum = (queue: keyof typeof first): number => first[queue] + second[queue];
    return {
      'resource-consumption.dlq': sum('resource-consumption.dlq'),
      'resource-usage.dlq': sum('resource-usage.dlq'),
    };
  }

  async due(now: number, limit: number): Promise<readonly DeadLetter[]> {
    const due = (await this.#ask((store) => store.due(now, limit))).flat();
    const retryAt = (letter: DeadLetter): number => letter.retryAt ?? 0;
    return due
      .sort((left, right) => retryAt(left) - retryAt(right) || (left.id < right.id ? -1 : 1))
      .slice(0, limit);
  }

  async resolve(
    id: string,
    from: readonly DeadLetterState[],
    state: DeadLetterState,
    by: { readonly actor: string; readonly at: number },
    attempts?: number,
  ): ReturnType<DeadLetters['resolve']> {
    const [first, second] = this.#stores;
    const outcome = await first.resolve(id, from, state, by, attempts);
    return outcome === 'unknown' ? second.resolve(id, from, state, by, attempts) : outcome;
  }

  #ask<T>(question: (store: DeadLetters) => Promise<T>): Promise<[T, T]> {
    const [first, second] = this.#stores;
    return Promise.all([question(first), question(second)]);
  }
}
