/** Dead letters that live and die with the process: the model that durable ones are held to. */
import {
  type DeadLetter,
  type DeadLetterQueue,
  type DeadLetterReport,
  type DeadLetterState,
  letterCursorAt,
  letterPlaceAt,
  newestFailureFirst,
  reportedLetter,
  resolvedLetter,
} from '../../domain/metering/dead-letter.ts';
import type { DeadLetterFilter, DeadLetterPage, DeadLetters } from '../../ports/dead-letters.ts';

/** The letters of every ledger and book that reports into it; it outlives them as a server would. */
export class MemoryDeadLetters implements DeadLetters {
  readonly #letters = new Map<string, DeadLetter>();

  /** As part of the step that met the failures. Nothing in it can fail half way. */
  report(reports: readonly DeadLetterReport[]): void {
    for (const report of structuredClone(reports)) {
      this.#letters.set(report.id, reportedLetter(this.#letters.get(report.id) ?? null, report));
    }
  }

  async list(
    filter: DeadLetterFilter,
    cursor: string | null,
    limit: number,
  ): Promise<DeadLetterPage> {
    const after = cursor === null ? null : letterPlaceAt(cursor);
    const rest = [...this.#letters.values()]
      .filter((letter) => isWanted(letter, filter))
      .filter((letter) => after === null || newestFailureFirst(after, letter) < 0)
      .sort(newestFailureFirst);
    const letters = rest.slice(0, limit);
    const last = letters.at(-1);
    const hasMore = last !== undefined && rest.length > limit;
    return { letters, nextCursor: hasMore ? letterCursorAt(last) : null };
  }

  async get(id: string): Promise<DeadLetter | null> {
    return this.#letters.get(id) ?? null;
  }

  async pending(): Promise<Readonly<Record<DeadLetterQueue, number>>> {
    const counts = { 'resource-consumption.dlq': 0, 'resource-usage.dlq': 0 };
    for (const { queue, state } of this.#letters.values()) {
      if (state === 'PENDING') counts[queue] += 1;
    }
    return counts;
  }

  async due(now: number, limit: number): Promise<readonly DeadLetter[]> {
    const time = ({ retryAt }: DeadLetter): number => retryAt ?? Number.POSITIVE_INFINITY;
    return [...this.#letters.values()]
      .filter((letter) => letter.state === 'PENDING' && time(letter) <= now)
      .sort((left, right) => time(left) - time(right) || (left.id < right.id ? -1 : 1))
      .slice(0, limit);
  }

  async resolve(
    id: string,
    from: readonly DeadLetterState[],
    state: DeadLetterState,
    by: { readonly actor: string; readonly at: number },
    attempts?: number,
  ): Promise<'resolved' | 'conflict' | 'unknown'> {
    const letter = this.#letters.get(id);
    if (letter === undefined) return 'unknown';
    if (!from.includes(letter.state)) return 'conflict';
    if (attempts !== undefined && letter.attempts !== attempts) return 'conflict';
    this.#letters.set(id, resolvedLetter(letter, state, by));
    return 'resolved';
  }
}

function isWanted(letter: DeadLetter, { queue, state, tenant, code }: DeadLetterFilter): boolean {
  return (
    (queue === null || letter.queue === queue) &&
    (state === null || letter.state === state) &&
    (tenant === null || letter.tenant === tenant) &&
    (code === null || letter.code === code)
  );
}
