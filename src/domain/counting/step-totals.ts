/**
 * Adds up what decided blocks come to: counts a key and minute, and books a scope. One step of a store
 * is the sum of its blocks, so a store writes a few rows a step however many events it covers.
 */
import type { EventBlock } from './block.ts';
import type { EventKey } from './key.ts';
import type { Decision } from './partition-fold.ts';
import { COUNTED, DUPLICATE, EXPIRED, LATE } from './verdict.ts';

const MINUTE_MS = 60_000;

export interface MinuteTotal extends EventKey {
  /** Minutes since the Unix epoch. */
  readonly minute: number;
  readonly count: number;
}

export interface ScopeBooks {
  readonly scope: string;
  readonly logged: number;
  readonly counted: number;
  readonly duplicate: number;
  readonly expired: number;
  readonly late: number;
  readonly voided: number;
}

type Mutable<T> = { -readonly [K in keyof T]: T[K] };

export class StepTotals {
  readonly #counts = new Map<string, Mutable<MinuteTotal>>();
  readonly #books = new Map<string, Mutable<ScopeBooks>>();

  add(decision: Decision): void {
    if (decision.kind === 'events') this.#addEvents(decision.block, decision.verdicts);
    if (decision.kind === 'acts') {
      for (const effect of decision.effects) {
        if (effect.change === 0) continue;
        this.#addCount(effect, effect.minute, effect.change);
        const books = this.#booksOf(effect.scope);
        books.counted += effect.change;
        books.voided -= effect.change;
      }
    }
  }

  /** What was added up so far, without zero counts. */
  counts(): MinuteTotal[] {
    return [...this.#counts.values()].filter((total) => total.count !== 0);
  }

  books(): ScopeBooks[] {
    return [...this.#books.values()];
  }

  #addEvents(block: EventBlock, verdicts: Uint8Array | null): void {
    const keys = block.keys.length;
    const perKey = new Uint32Array(keys * 4);
    for (let index = 0; index < block.count; index += 1) {
      const verdict = verdicts === null ? COUNTED : (verdicts[index] as number);
      const at = (block.keyIndex[index] as number) * 4 + verdict;
      perKey[at] = (perKey[at] as number) + 1;
    }
    block.keys.forEach((key, index) => {
      const of = (verdict: number): number => perKey[index * 4 + verdict] as number;
      const books = this.#booksOf(key.scope);
      books.logged += of(COUNTED) + of(DUPLICATE) + of(EXPIRED) + of(LATE);
      books.counted += of(COUNTED);
      books.duplicate += of(DUPLICATE);
      books.expired += of(EXPIRED);
      books.late += of(LATE);
    });
    this.#addMinutes(block, verdicts, perKey);
  }

  #addMinutes(block: EventBlock, verdicts: Uint8Array | null, perKey: Uint32Array): void {
    let deltaMax = 0;
    for (let index = 0; index < block.count; index += 1) {
      const delta = block.acceptanceDelta[index] as number;
      if (delta > deltaMax) deltaMax = delta;
    }
    const first = Math.floor((block.blockTime - deltaMax) / MINUTE_MS);
    if (first === Math.floor(block.blockTime / MINUTE_MS)) {
      block.keys.forEach((key, index) => {
        const count = perKey[index * 4 + COUNTED] as number;
        if (count > 0) this.#addCount(key, first, count);
      });
      return;
    }
    for (let index = 0; index < block.count; index += 1) {
      if (verdicts !== null && verdicts[index] !== COUNTED) continue;
      const key = block.keys[block.keyIndex[index] as number] as EventKey;
      const acceptedAt = block.blockTime - (block.acceptanceDelta[index] as number);
      this.#addCount(key, Math.floor(acceptedAt / MINUTE_MS), 1);
    }
  }

  #addCount(key: EventKey, minute: number, count: number): void {
    const name = `${minute} ${key.lane} ${key.scope.length} ${key.scope} ${key.item}`;
    const total = this.#counts.get(name);
    if (total !== undefined) {
      total.count += count;
      return;
    }
    const { scope, item, lane } = key;
    this.#counts.set(name, { scope, item, lane, minute, count });
  }

  #booksOf(scope: string): Mutable<ScopeBooks> {
    let books = this.#books.get(scope);
    if (books === undefined) {
      books = { scope, logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };
      this.#books.set(scope, books);
    }
    return books;
  }
}
