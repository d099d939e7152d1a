/** A ledger that lives and dies with the process: the model that durable ledgers are held to. */
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { retentionFloor } from '../../domain/counting/retention.ts';
import { EXPIRED, LATE } from '../../domain/counting/verdict.ts';
import { ApuraError } from '../../domain/errors.ts';
import type {
  EventColumns,
  EventPage,
  Ledger,
  LedgerEvent,
  LedgerEventState,
  LedgerStep,
} from '../../ports/ledger.ts';
import type {
  ActMark,
  Books,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  Takeover,
} from '../../ports/store-step.ts';
import { PartitionContent } from './partition-content.ts';

const MINUTE_MS = 60_000;
const ID_TIME_DIGITS = 12;
const BOOK_NAMES = ['logged', 'counted', 'duplicate', 'expired', 'late', 'voided'] as const;

/** What a ledger holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryLedgerStore {
  readonly logId: string;
  readonly partitions = new Map<number, PartitionContent>();
  /** Events that count or were voided, by id. */
  readonly votes = new Map<string, LedgerEvent>();
  /** Late and expired events, by their order of arrival: one id may stand here many times. */
  readonly excluded = new Map<number, LedgerEvent>();
  arrivals = 0;
  /** What retention took away: events as they were, and as acts have turned them since. */
  readonly forgotten = new Map<string, LedgerEvent>();
  forgottenExcluded: LedgerEvent[] = [];

  constructor(logId: string) {
    this.logId = logId;
  }

  partition(number: number): PartitionContent {
    const content = this.partitions.get(number) ?? new PartitionContent();
    this.partitions.set(number, content);
    return content;
  }
}

export class MemoryLedger implements Ledger {
  readonly #store: MemoryLedgerStore;
  readonly #logId: string;

  constructor(store: MemoryLedgerStore, logId: string = store.logId) {
    this.#store = store;
    this.#logId = logId;
  }

  async takeOver(partition: number): Promise<Takeover> {
    if (this.#logId !== this.#store.logId) {
      throw new ApuraError('log_mismatch', `The ledger belongs to the log ${this.#store.logId}`);
    }
    return this.#store.partition(partition).takeOver();
  }

  async commit(step: LedgerStep): Promise<CommitOutcome> {
    // Everything that can fail comes before the first change, and works on a copy.
    const copy = structuredClone(step);
    const partition = this.#store.partition(copy.partition);
    const outcome = partition.judge(copy);
    if (outcome !== 'applied') return outcome;
    const counted = rows(copy.partition, copy.counted, () => 'counted');
    const excluded = rows(copy.partition, copy.excluded, (index) =>
      excludedState(copy.excluded.verdict[index]),
    );
    const ids = new Set(counted.map((event) => event.id));
    if (ids.size < counted.length || counted.some((event) => this.#store.votes.has(event.id))) {
      throw new ApuraError('ledger_key_conflict', 'The ledger counts an id of the step already');
    }
    for (const event of counted) this.#store.votes.set(event.id, event);
    for (const event of excluded) {
      this.#store.arrivals += 1;
      this.#store.excluded.set(this.#store.arrivals, event);
    }
    for (const act of partition.apply(copy)) this.#act(act);
    return outcome;
  }

  async read(partition: number): Promise<PartitionCounts> {
    return this.#store.partition(partition).read();
  }

  async find(id: string): Promise<LedgerEvent | null> {
    return this.#store.votes.get(id) ?? this.#firstExcluded(id);
  }

  async windows(
    scope: string,
    fromMinute: number,
    toMinute: number,
  ): Promise<readonly MinuteCount[]> {
    const all = [...this.#store.partitions.values()].flatMap((content) => content.read().counts);
    const inside = all.filter(
      (entry) => entry.scope === scope && entry.minute >= fromMinute && entry.minute < toMinute,
    );
    return sumOfCounts(inside).sort(
      (a, b) => a.minute - b.minute || order(a.item, b.item) || order(b.lane, a.lane),
    );
  }

  async books(scope: string): Promise<Books> {
    const sum = { logged: 0, counted: 0, duplicate: 0, expired: 0, late: 0, voided: 0 };
    for (const content of this.#store.partitions.values()) {
      const books = content.read().books.find((entry) => entry.scope === scope);
      if (books === undefined) continue;
      for (const name of BOOK_NAMES) sum[name] += books[name];
    }
    return { scope, ...sum };
  }

  async events(scope: string, cursor: string | null, limit: number): Promise<EventPage> {
    const votes = [...this.#store.votes.values()].map((event) => ({ event, place: 0 }));
    const excluded = [...this.#store.excluded].map(([place, event]) => ({ event, place }));
    const rest = [...votes, ...excluded]
      .map((row) => ({ ...row, cursor: cursorOf(row.event.id, row.place) }))
      .filter((row) => row.event.scope === scope && row.cursor > (cursor ?? ''))
      .sort((a, b) => order(a.cursor, b.cursor));
    const page = rest.slice(0, limit);
    const more = rest.length > page.length;
    return {
      events: page.map((row) => row.event),
      nextCursor: more ? (page.at(-1)?.cursor ?? cursor) : null,
    };
  }

  async checkpoint(partition: number): Promise<Checkpoint> {
    return this.#store.partition(partition).read().checkpoint;
  }

  async recount(partition: number): Promise<PartitionCounts> {
    const { checkpoint, books } = this.#store.partition(partition).read();
    const { votes, excluded, forgotten, forgottenExcluded } = this.#store;
    const all = [votes, excluded, forgotten].flatMap((some) => [...some.values()]);
    const events = [...all, ...forgottenExcluded].filter((event) => event.partition === partition);
    const scopes = new Set([...books, ...events].map((entry) => entry.scope));
    const recounted = [...scopes].map((scope): Books => {
      const of = (state: LedgerEventState) =>
        events.filter((event) => event.scope === scope && event.state === state).length;
      const parts = {
        counted: of('counted'),
        // Duplicates leave no row.
        duplicate: books.find((entry) => entry.scope === scope)?.duplicate ?? 0,
        expired: of('expired'),
        late: of('late'),
        voided: of('voided'),
      };
      return { scope, logged: Object.values(parts).reduce((a, b) => a + b), ...parts };
    });
    const counted = events.filter((event) => event.state === 'counted');
    const ones = counted.map(({ scope, item, lane, acceptedAt }) => {
      return { scope, item, lane, minute: Math.floor(acceptedAt / MINUTE_MS), count: 1 };
    });
    return { checkpoint, counts: sumOfCounts(ones), books: recounted };
  }

  async forget(before: number): Promise<number> {
    const { partitions, votes, excluded, forgotten, forgottenExcluded } = this.#store;
    const checkpoints = [...partitions.values()].map((content) => content.read().checkpoint);
    const moved = checkpoints.filter(({ nextOffset }) => nextOffset > 0);
    const floor = retentionFloor(
      before,
      moved.map(({ logTime }) => logTime),
    );
    const isOld = ({ id }: LedgerEvent) => Number.parseInt(id.slice(0, ID_TIME_DIGITS), 16) < floor;
    const rows = votes.size + excluded.size;
    for (const [id, event] of votes) {
      if (isOld(event) && votes.delete(id)) forgotten.set(id, event);
    }
    for (const [arrival, event] of excluded) {
      if (isOld(event) && excluded.delete(arrival)) forgottenExcluded.push(event);
    }
    return rows - votes.size - excluded.size;
  }

  async reset(partition: number): Promise<void> {
    this.#store
      .partition(partition)
      .replace({ checkpoint: START, counts: [], books: [], closes: [], acts: [] });
    for (const events of [this.#store.votes, this.#store.forgotten]) {
      for (const [id, event] of events) {
        if (event.partition === partition) events.delete(id);
      }
    }
    this.#store.forgottenExcluded = this.#store.forgottenExcluded.filter(
      (event) => event.partition !== partition,
    );
    for (const [arrival, event] of this.#store.excluded) {
      if (event.partition === partition) this.#store.excluded.delete(arrival);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  /** Only an event that was counted can be voided, and only such a one restored. */
  #act(act: ActMark): void {
    const state = act.kind === 'void' ? 'voided' : 'counted';
    for (const events of [this.#store.votes, this.#store.forgotten]) {
      const vote = events.get(act.target);
      if (vote !== undefined) events.set(act.target, { ...vote, state });
    }
  }

  #firstExcluded(id: string): LedgerEvent | null {
    for (const event of this.#store.excluded.values()) {
      if (event.id === id) return event;
    }
    return null;
  }
}

function rows(
  partition: number,
  columns: EventColumns,
  stateOf: (index: number) => LedgerEventState,
): readonly LedgerEvent[] {
  return Array.from({ length: columns.count }, (_, index) => {
    const key = columns.keys[columns.keyIndex[index] ?? -1];
    const acceptedAt = columns.acceptedAt[index];
    const offset = columns.offset[index];
    if (key === undefined || acceptedAt === undefined || offset === undefined) {
      throw new RangeError(`Event ${index} of the step has no key, time or offset`);
    }
    const id = Buffer.from(columns.ids.subarray(index * 16, index * 16 + 16)).toString('hex');
    return { id, ...key, acceptedAt, state: stateOf(index), partition, offset };
  });
}

function excludedState(verdict: number | undefined): LedgerEventState {
  if (verdict === LATE) return 'late';
  if (verdict === EXPIRED) return 'expired';
  throw new RangeError(`Verdict ${verdict} excludes no event`);
}

function sumOfCounts(entries: readonly MinuteCount[]): MinuteCount[] {
  const sums = new Map<string, MinuteCount>();
  for (const entry of entries) {
    const key = JSON.stringify([entry.scope, entry.item, entry.lane, entry.minute]);
    sums.set(key, { ...entry, count: (sums.get(key)?.count ?? 0) + entry.count });
  }
  return [...sums.values()].filter((entry) => entry.count !== 0);
}

/** Sorts as the pair does; `place` is 0 for a vote, and the arrival of an excluded event. */
function cursorOf(id: string, place: number): string {
  return `${id}.${String(place).padStart(12, '0')}`;
}

function order(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
