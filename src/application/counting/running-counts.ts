/** Counts and books that grow by what blocks and steps add, and can be taken out at any moment. */
import type { MinuteTotal, ScopeBooks } from '../../domain/counting/step-totals.ts';

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class RunningCounts {
  readonly #counts = new Map<string, Mutable<MinuteTotal>>();
  readonly #books = new Map<string, Mutable<ScopeBooks>>();

  add(counts: readonly MinuteTotal[], books: readonly ScopeBooks[]): void {
    for (const added of counts) {
      const name = `${added.minute} ${added.lane} ${added.scope.length} ${added.scope} ${added.item}`;
      const total = this.#counts.get(name);
      if (total === undefined) this.#counts.set(name, { ...added });
      else total.count += added.count;
    }
    for (const added of books) {
      const total = this.#books.get(added.scope);
      if (total === undefined) this.#books.set(added.scope, { ...added });
      else addBooks(total, added);
    }
  }

  /** As it is now, in lists that later additions do not touch; without zero counts. */
  counts(): MinuteTotal[] {
    return [...this.#counts.values()].flatMap((total) => (total.count === 0 ? [] : { ...total }));
  }

  /** As `counts`. */
  books(): ScopeBooks[] {
    return [...this.#books.values()].map((total) => ({ ...total }));
  }
}

function addBooks(total: Mutable<ScopeBooks>, added: ScopeBooks): void {
  total.logged += added.logged;
  total.counted += added.counted;
  total.duplicate += added.duplicate;
  total.expired += added.expired;
  total.late += added.late;
  total.voided += added.voided;
}
