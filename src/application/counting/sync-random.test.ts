/** Sync while logs grow, workers move and stores are damaged, all at random: no false alarm, no damage missed. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { CountingRoom } from '../../../test/support/counting-room.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { LiveTally, TallyReplacement } from '../../ports/live-tally.ts';
import type { StepBase } from '../../ports/store-step.ts';
import type { PartitionFollower } from './partition-follower.ts';
import { Sync } from './sync.ts';

const ALL = Number.MAX_SAFE_INTEGER;
const EMPTY: TallyReplacement = { checkpoint: START, counts: [], books: [], closes: [], acts: [] };

interface Act {
  readonly kind:
    | 'append'
    | 'tally'
    | 'ledger'
    | 'round'
    | 'edit'
    | 'flush'
    | 'restore'
    | 'delete'
    | 'rebuild';
  readonly number: number;
}

/** A log, its workers, a sync, and somebody who damages what they keep. */
class Evening {
  readonly room = new CountingRoom(1, RANDOM_LOG_WINDOW_MS);
  readonly #clock = new ManualClock(0);
  readonly #waiting: Parameters<CountingRoom['append']>[0][number][];
  #tally = this.room.tallyFollower();
  #ledger = this.room.ledgerFollower();
  readonly #sound: TallyReplacement[] = [EMPTY];
  /** How many blocks the tally's worker takes just before a repair. */
  #haste = 0;
  isEdited = false;
  deleted = 0;
  readonly sync: Sync;

  constructor(blocks: Parameters<CountingRoom['append']>[0]) {
    this.#waiting = [...blocks];
    const { room } = this;
    this.sync = new Sync({
      log: room.log,
      tally: { read: (partition) => room.tally.read(partition), replace: this.#replace },
      ledger: room.ledger,
      settings: { partitions: 1, dedupWindowMs: room.windowMs },
      clock: this.#clock,
      seed: 4,
      journalBlocksMax: 12,
      sleep: (_, signal) =>
        new Promise((resolve) => signal.addEventListener('abort', () => resolve())),
      onReport: () => {},
      onRepair: () => {},
      onTrouble: (error) => {
        throw error;
      },
    });
  }

  readonly #replace: LiveTally['replace'] = async (...args) => {
    if (!this.isEdited) throw new Error('A sound tally was to be repaired.');
    await this.#stepTally(this.#haste);
    this.#haste = 0;
    const before = (await this.room.tally.read(0)).checkpoint.nextOffset;
    const isReplaced = await this.room.tally.replace(...args);
    if (isReplaced) {
      this.isEdited = false;
      expect((await this.room.tally.read(0)).checkpoint.nextOffset).toBe(before);
    }
    return isReplaced;
  };

  async act({ kind, number }: Act): Promise<void> {
    if (kind === 'append') await this.room.append(this.#waiting.splice(0, 1 + (number % 5)));
    else if (kind === 'tally') await this.#stepTally(1 + (number % 6));
    else if (kind === 'ledger') await this.#stepLedger(1 + (number % 6));
    else if (kind === 'edit') await this.#edit(number);
    else if (kind === 'flush') await this.#put(EMPTY);
    else if (kind === 'restore') await this.#put(this.#sound[number % this.#sound.length] ?? EMPTY);
    else if (kind === 'delete') this.#deleteRow(number);
    else if (kind === 'rebuild') await this.#rebuildLedger();
    else await this.checkedRound(number % 3);
  }

  /** A round, which must not find what is not there. */
  async checkedRound(haste = 0): Promise<void> {
    this.#haste = haste;
    const { isEdited, deleted } = this;
    const before = this.sync.newest.repairs;
    const { repairs, partitions } = await this.sync.round();
    // What could not be compared this time may still be told as it was last seen.
    const fresh = partitions.flatMap(({ differences, waits }) =>
      differences
        .map(({ account }) => account)
        .filter((account) => !waits.some((wait) => wait.includes(`, ${account}: `))),
    );
    if (!isEdited) expect(repairs).toBe(before);
    if (!isEdited) expect(fresh).not.toContain('tally');
    if (deleted === 0) expect(fresh).not.toContain('ledger rows');
    expect(fresh).not.toContain('ledger windows');
  }

  /** Everybody does all that is left to do. */
  async finish(): Promise<void> {
    await this.room.append(this.#waiting.splice(0));
    for (let tries = 0; tries < 3; tries += 1) {
      await this.#stepTally(ALL);
      await this.#stepLedger(ALL);
      for (let round = 0; round < 3; round += 1) await this.sync.round();
    }
  }

  async #stepTally(blocks: number): Promise<void> {
    const at = (await this.room.tally.read(0)).checkpoint.nextOffset;
    this.#tally = await step(this.#tally, () => this.room.tallyFollower(), blocks, at);
    if (!this.isEdited) this.#sound.push(await this.#content());
  }

  async #stepLedger(blocks: number): Promise<void> {
    const at = (await this.room.ledger.read(0)).checkpoint.nextOffset;
    this.#ledger = await step(this.#ledger, () => this.room.ledgerFollower(), blocks, at);
  }

  async #content(): Promise<TallyReplacement> {
    const { closes, acts } = await this.room.tally.takeOver(0);
    return { ...(await this.room.tally.read(0)), closes, acts };
  }

  async #put(content: TallyReplacement): Promise<void> {
    const { nextOffset } = (await this.room.tally.read(0)).checkpoint;
    expect(await this.room.tally.replace(0, nextOffset, content)).toBe(true);
    this.isEdited = false;
  }

  /** Makes one count say more, or one book less. */
  async #edit(number: number): Promise<void> {
    const content = await this.#content();
    const counts = content.counts.map((one, at) =>
      at === number % content.counts.length ? { ...one, count: one.count + 1 + number } : one,
    );
    const books = content.books.map((one) => ({ ...one, duplicate: one.duplicate + 1 }));
    if (counts.length === 0) return;
    await this.#put(number % 4 === 0 ? { ...content, books } : { ...content, counts });
    this.isEdited = true;
  }

  #deleteRow(number: number): void {
    const { votes } = this.room.ledgerStore;
    const id = [...votes.keys()][number % Math.max(1, votes.size)];
    if (id !== undefined && votes.delete(id)) this.deleted += 1;
  }

  async #rebuildLedger(): Promise<void> {
    await this.room.ledger.reset(0);
    this.deleted = 0;
  }
}

/** Lets a worker take some blocks; one that was fenced, or lost its place, gives way to another. */
async function step<Step extends StepBase>(
  newest: PartitionFollower<Step>,
  next: () => PartitionFollower<Step>,
  blocks: number,
  at: number,
): Promise<PartitionFollower<Step>> {
  if (blocks === 0) return newest;
  const isThere = newest.checkpoint?.nextOffset === at;
  const worker = isThere ? newest : next();
  try {
    await worker.advance(ALL, at + blocks);
    return worker;
  } catch (error) {
    if (!(error instanceof ApuraError && error.code === 'fenced')) throw error;
    const successor = next();
    await successor.advance(ALL, at + blocks);
    return successor;
  }
}

const kinds: readonly Act['kind'][] = [
  ...(['append', 'append', 'append', 'tally', 'tally', 'tally', 'ledger', 'ledger'] as const),
  ...(['round', 'round', 'round', 'round', 'edit', 'flush', 'restore'] as const),
];
const quiet = ['append', 'append', 'tally', 'tally', 'ledger', 'ledger', 'round', 'round'] as const;

const acts = (of: readonly Act['kind'][]) =>
  fc.array(fc.record({ kind: fc.constantFrom(...of), number: fc.nat(30) }), {
    maxLength: 60,
    size: 'max',
  });

test('sync finds nothing in sound stores, however they and the log move', async () => {
  const property = fc.asyncProperty(
    randomLogs(),
    acts([...quiet, 'flush', 'restore', 'rebuild']),
    async (blocks, plan) => {
      const evening = new Evening(blocks);
      for (const act of plan) await evening.act(act);
      await evening.finish();
      const { state, repairs, alarms } = evening.sync.newest;
      expect([state, repairs]).toEqual(['consistent', 0]);
      expect(alarms.filter(({ kind }) => kind !== 'expired')).toEqual([]);
    },
  );
  await fc.assert(property, { numRuns: 100 });
});

test('sync finds damage wherever it is, and puts the tally right to the last count', async () => {
  const property = fc.asyncProperty(
    randomLogs(),
    acts([...kinds, 'delete', 'rebuild']),
    async (blocks, plan) => {
      const evening = new Evening(blocks);
      const { room, sync } = evening;
      for (const act of plan) await evening.act(act);
      const wasEdited = evening.isEdited;
      const before = sync.newest.repairs;
      await evening.finish();
      if (wasEdited) expect(sync.newest.repairs).toBeGreaterThan(before);
      expect(evening.isEdited).toBe(false);
      expect(CountingRoom.contents(await room.tally.read(0))).toEqual(room.expected());
      const { state, differences, partitions } = sync.newest;
      const accounts = partitions.flatMap((each) => each.differences.map((one) => one.account));
      if (evening.deleted === 0) {
        expect([state, differences]).toEqual(['consistent', 0]);
      } else {
        expect(state).toBe('different');
        expect([...new Set(accounts)]).toEqual(['ledger rows']);
        // Nobody filled the holes in.
        const rows = await room.rows();
        expect(rows.length).toBe(room.expectedRows().length - evening.deleted);
      }
    },
  );
  await fc.assert(property, { numRuns: 100 });
});
