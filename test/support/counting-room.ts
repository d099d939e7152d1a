/** A log with its tally and its ledger in memory, and all that may go wrong between them. */
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import { MemoryLedger, MemoryLedgerStore } from '../../src/adapters/memory/ledger.ts';
import { MemoryLiveTally, MemoryTallyStore } from '../../src/adapters/memory/live-tally.ts';
import {
  type FollowerDeps,
  PartitionFollower,
  type StepStore,
} from '../../src/application/counting/partition-follower.ts';
import { LedgerCollector, TallyCollector } from '../../src/application/counting/step-collectors.ts';
import { START } from '../../src/domain/counting/checkpoint.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { LedgerEvent, LedgerStep } from '../../src/ports/ledger.ts';
import type { TallyStep } from '../../src/ports/live-tally.ts';
import type { MinuteCount, PartitionCounts } from '../../src/ports/store-step.ts';
import { encodeTestBlock, type TestBlock } from './blocks.ts';
import { eventsOf } from './ledger-samples.ts';
import { NaiveFold } from './naive-fold.ts';
import { contentOf } from './store-step-samples.ts';

const ROOM_WINDOW_MS = 600_000;

export class CountingRoom {
  readonly logStore: MemoryLogStore;
  readonly log: EventLog;
  readonly tallyStore = new MemoryTallyStore('log');
  readonly ledgerStore = new MemoryLedgerStore('log');
  readonly tally = new MemoryLiveTally(this.tallyStore);
  readonly ledger = new MemoryLedger(this.ledgerStore);
  readonly windowMs: number;
  readonly #appended = new Map<number, TestBlock[]>();

  constructor(partitions: number = 1, windowMs: number = ROOM_WINDOW_MS) {
    this.logStore = new MemoryLogStore('log', partitions);
    this.log = new MemoryEventLog(this.logStore);
    this.windowMs = windowMs;
  }

  async append(blocks: readonly TestBlock[], partition: number = 0): Promise<void> {
    this.blocksOf(partition).push(...blocks);
    await this.log.append(
      blocks.map((block) => ({ partition, bytes: encodeTestBlock(block, partition) })),
    );
  }

  /** What was appended to a partition, before it became bytes. */
  blocksOf(partition: number): TestBlock[] {
    const blocks = this.#appended.get(partition) ?? [];
    this.#appended.set(partition, blocks);
    return blocks;
  }

  tallyFollower(deps: Partial<FollowerDeps<TallyStep>> = {}): PartitionFollower<TallyStep> {
    const collector = () => new TallyCollector();
    return this.#follower<TallyStep>(this.tally, { collector, ...deps });
  }

  ledgerFollower(deps: Partial<FollowerDeps<LedgerStep>> = {}): PartitionFollower<LedgerStep> {
    const collector = () => new LedgerCollector();
    return this.#follower<LedgerStep>(this.ledger, { collector, ...deps });
  }

  #follower<Step extends TallyStep>(
    store: StepStore<Step>,
    deps: Partial<FollowerDeps<Step>> & Pick<FollowerDeps<Step>, 'collector'>,
  ): PartitionFollower<Step> {
    const { log, windowMs } = this;
    return new PartitionFollower({
      log,
      store,
      partition: 0,
      dedupWindowMs: windowMs,
      seed: 9,
      ...deps,
    });
  }

  /** What the first `offset` blocks of a partition must come to, all of them unless told. */
  naive(partition: number = 0, offset: number = Number.POSITIVE_INFINITY): NaiveFold {
    return NaiveFold.of(this.windowMs, this.blocksOf(partition).slice(0, offset));
  }

  /** A store's counts and books without their checkpoint, in an order of their own. */
  static contents(counts: PartitionCounts): Omit<PartitionCounts, 'checkpoint'> {
    const { checkpoint, ...rest } = contentOf(counts);
    const isBooked = ({ scope, ...sums }: PartitionCounts['books'][number]): boolean =>
      Object.values(sums).some((sum) => sum !== 0);
    return { ...rest, books: rest.books.filter(isBooked) };
  }

  /** As `contents`, of what the first `offset` blocks must come to. */
  expected(partition?: number, offset?: number): Omit<PartitionCounts, 'checkpoint'> {
    const naive = this.naive(partition, offset);
    const [counts, books] = [naive.counts(), naive.books()];
    return CountingRoom.contents({ checkpoint: START, counts, books });
  }

  /** Every event row that the ledger must hold, in the order of `rows`. */
  expectedRows(partition: number = 0): readonly LedgerEvent[] {
    const naive = this.naive(partition);
    const standing = new Set(naive.counted());
    return inOrder(
      naive.rows.flatMap((row): LedgerEvent[] => {
        const { id, offset, verdict } = row;
        if (verdict === 'duplicate') return [];
        const { scope, item, lane, acceptedAt } = row.event;
        const state = verdict === 'counted' && !standing.has(row) ? 'voided' : verdict;
        return [{ id, scope, item, lane, acceptedAt, state, partition, offset }];
      }),
    );
  }

  /** Every event row that the ledger holds of the scopes that were appended. */
  async rows(): Promise<readonly LedgerEvent[]> {
    const blocks = [...this.#appended.values()].flat();
    const events = blocks.flatMap((block) => (block.kind === 'events' ? block.events : []));
    const scopes = [...new Set(events.map(({ scope }) => scope))];
    const rows = await Promise.all(scopes.map((scope) => eventsOf(this.ledger, scope, 50)));
    return inOrder(rows.flat());
  }
}

function inOrder(rows: readonly LedgerEvent[]): readonly LedgerEvent[] {
  const placeOf = ({ id, offset }: LedgerEvent): string =>
    `${String(offset).padStart(6, '0')} ${id}`;
  return [...rows].sort((a, b) => (placeOf(a) < placeOf(b) ? -1 : 1));
}

/** The sum of some counts. */
export function total(counts: readonly MinuteCount[]): number {
  return counts.reduce((sum, { count }) => sum + count, 0);
}

/** A fault that calls meet one after another, until it has struck. */
export class Fault {
  readonly #at: number;
  readonly #when: 'before' | 'after';
  #calls = 0;

  /** Strikes the call of number `at`, from 0: before it is made, or when its effect is there. */
  constructor(at: number, when: 'before' | 'after') {
    this.#at = at;
    this.#when = when;
  }

  get hasStruck(): boolean {
    return this.#calls > this.#at;
  }

  guard<Args extends unknown[], Result>(
    call: (...args: Args) => Promise<Result>,
  ): (...args: Args) => Promise<Result> {
    return async (...args) => {
      const strikes = this.#calls === this.#at;
      this.#calls += 1;
      if (strikes && this.#when === 'before') throw new Error('struck before');
      const result = await call(...args);
      if (strikes) throw new Error('struck after');
      return result;
    };
  }

  /** A store whose calls may be struck. */
  store<Step extends TallyStep>(store: StepStore<Step>): StepStore<Step> {
    return {
      takeOver: this.guard((partition: number) => store.takeOver(partition)),
      commit: this.guard((step: Step) => store.commit(step)),
    };
  }

  /** A log whose reading may be struck. */
  log(log: EventLog): EventLog {
    const read = this.guard((...args: Parameters<EventLog['read']>) => log.read(...args));
    return withMethods(log, { read });
  }
}

/** A log with some of its methods replaced. */
export function withMethods(log: EventLog, methods: Partial<EventLog>): EventLog {
  return {
    description: log.description,
    append: (blocks) => log.append(blocks),
    read: (partition, from, maxBytes) => log.read(partition, from, maxBytes),
    bounds: (partition) => log.bounds(partition),
    changed: (positions, signal) => log.changed(positions, signal),
    [Symbol.asyncDispose]: () => log[Symbol.asyncDispose](),
    ...methods,
  };
}

/** A log as its new leader reads it: it holds all blocks, and gives those below `given`, confirmed for all it knows. */
export function holdingBack(log: EventLog, given: () => number): EventLog {
  return withMethods(log, {
    read: async (partition, from, maxBytes) => {
      const blocks = await log.read(partition, from, maxBytes);
      return blocks.filter(({ offset }) => offset < given());
    },
  });
}
