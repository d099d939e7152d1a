import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { event, T0, type TestEvent } from '../../../test/support/blocks.ts';
import { HandTurnedLoop, HeldLog } from '../../../test/support/hand-turned-loop.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../adapters/memory/event-log.ts';
import {
  type Block,
  CONTROL_BLOCK_PARTITION,
  decodeBlock,
  encodeKey,
} from '../../domain/counting/block.ts';
import { partitionOf } from '../../domain/counting/event-id.ts';
import { ApuraError } from '../../domain/errors.ts';
import { CONTROL_PARTITION, type EventLog } from '../../ports/event-log.ts';
import { BLOCK_DELAY_MS, BlockWriter, type BlockWriterLimits } from './block-writer.ts';
import type { WriteOutcome } from './group-commit.ts';

const ACCEPTANCE_BOUND_MS = 5_000;
const LIMITS: BlockWriterLimits = {
  blockDelayMs: BLOCK_DELAY_MS,
  blockEventsMax: 100,
  pendingEventsMax: 1_000,
  acceptanceBoundMs: ACCEPTANCE_BOUND_MS,
};
const KEY = { bytes: encodeKey({ scope: 'final', item: 'ana', lane: 'valid' }) };
const DAY_MS = 86_400_000;

let clock: ManualClock;
let loop: HandTurnedLoop;
let store: MemoryLogStore;
let log: EventLog;
let held: HeldLog;
let failures: ApuraError[];

beforeEach(() => prepare(1));

function prepare(partitions: number): void {
  clock = new ManualClock(T0);
  loop = new HandTurnedLoop(clock);
  store = new MemoryLogStore('log', partitions);
  log = new MemoryEventLog(store);
  held = new HeldLog(log);
  failures = [];
}

/** On a log that answers at once, or on one whose answers are held. */
function writerOn(target: EventLog, limits: Partial<BlockWriterLimits> = {}): BlockWriter {
  return new BlockWriter({
    log: target,
    clock,
    loop,
    writerId: 0xabcn,
    limits: { ...LIMITS, ...limits },
    onFailure: (error) => failures.push(error),
  });
}

function write(writer: BlockWriter, number: number): Promise<WriteOutcome> {
  const outcome = writer.write(event(number, { time: clock.now() }), KEY, clock.now());
  if (outcome === null) throw new Error('refused');
  return outcome;
}

/** What has become of a promise by now. */
async function stateOf<T>(promise: Promise<T>): Promise<T | 'waiting'> {
  await loop.pass(0);
  return Promise.race([promise, Promise.resolve('waiting' as const)]);
}

async function logged(partition = 0): Promise<Block[]> {
  const blocks = await log.read(partition, 0, Number.MAX_SAFE_INTEGER);
  return blocks.map(({ bytes }) => decodeBlock(bytes));
}

const countsOf = (blocks: readonly Block[]): number[] =>
  blocks.map((block) => (block.kind === 'events' ? block.count : 0));

describe('a block is closed', () => {
  test('by an idle door at the first quiet turn: one event, one flush', async () => {
    const outcome = write(writerOn(log), 1);
    await loop.turn();
    expect(await logged()).toEqual([]);
    await loop.turn();
    expect(countsOf(await logged())).toEqual([1]);
    expect(await outcome).toBe('durable');
    expect(loop.timers).toBe(0);
  });

  test('by a busy door after blockDelayMs, not before', async () => {
    const writer = writerOn(log);
    write(writer, 0);
    for (let number = 1; number <= 19; number += 1) {
      await loop.pass(0.1);
      write(writer, number);
      await loop.turn();
    }
    expect(await logged()).toEqual([]);
    await loop.pass(0.1);
    write(writer, 20);
    await loop.turn();
    expect(countsOf(await logged())).toEqual([21]);
  });

  test('as soon as it is full, without a turn', async () => {
    const writer = writerOn(log, { blockEventsMax: 4 });
    const outcomes = [1, 2, 3, 4].map((number) => write(writer, number));
    expect(countsOf(await logged())).toEqual([4]);
    expect(await Promise.all(outcomes)).toEqual(new Array(4).fill('durable'));
  });

  test('not while an append is under way, however long that takes; then at once', async () => {
    const writer = writerOn(held.asLog());
    write(writer, 1);
    await loop.turn();
    await loop.turn();
    expect(held.appends).toHaveLength(1);
    write(writer, 2);
    await loop.pass(50);
    write(writer, 3);
    for (let turn = 0; turn < 5; turn += 1) await loop.turn();
    expect(held.appends).toHaveLength(1);
    await held.appends[0]?.release();
    await loop.turn();
    expect(held.appends).toHaveLength(2);
    await held.appends[1]?.release();
    expect(countsOf(await logged())).toEqual([1, 2]);
  });

  test('beside appends under way where the log takes several: as many as it says, no more', async () => {
    for (const allowed of [1, 2, 3, 4]) {
      prepare(1);
      held = new HeldLog(log, allowed);
      const writer = writerOn(held.asLog());
      for (let number = 0; number < 8; number += 1) {
        write(writer, number);
        for (let turn = 0; turn < 3; turn += 1) await loop.turn();
        await loop.pass(BLOCK_DELAY_MS);
      }
      expect(held.appends).toHaveLength(allowed);
      // Whichever comes back, its place is taken once, and by everything that waits.
      await held.appends.at(-1)?.release();
      for (let turn = 0; turn < 3; turn += 1) await loop.turn();
      expect(held.appends).toHaveLength(allowed + 1);
      expect(writer.pending).toBe(7);
      const waiting = held.appends.toSpliced(allowed - 1, 1);
      for (const append of waiting) await append.release();
      const ones = new Array<number>(allowed).fill(1);
      expect(countsOf(await logged()).toSorted()).toEqual([...ones, 8 - allowed]);
    }
  });

  test('beside appends under way only when it holds as much as they do on average', async () => {
    held = new HeldLog(log, 3);
    const writer = writerOn(held.asLog());
    const fill = async (from: number, to: number): Promise<void> => {
      for (let number = from; number < to; number += 1) write(writer, number);
      await loop.pass(BLOCK_DELAY_MS);
      for (let turn = 0; turn < 3; turn += 1) await loop.turn();
    };
    await fill(0, 4);
    await fill(4, 7);
    expect(held.appends).toHaveLength(1);
    await fill(7, 12);
    expect(held.appends).toHaveLength(2);
    // 4 and 8 are under way: 6 go, 5 don't.
    await fill(12, 17);
    expect(held.appends).toHaveLength(2);
    await fill(17, 18);
    expect(held.appends).toHaveLength(3);
    for (const append of held.appends) await append.release();
    expect(countsOf(await logged())).toEqual([4, 8, 6]);
    expect(loop.timers).toBe(0);
  });

  test('beside an append under way at a quiet turn, not while events still come', async () => {
    held = new HeldLog(log, 2);
    const writer = writerOn(held.asLog());
    write(writer, 0);
    await loop.turn();
    await loop.turn();
    for (let number = 1; number < 5; number += 1) {
      write(writer, number);
      await loop.turn();
    }
    expect(held.appends).toHaveLength(1);
    await loop.turn();
    expect(held.appends).toHaveLength(2);
    for (const append of held.appends) await append.release();
    expect(countsOf(await logged())).toEqual([1, 4]);
  });

  test('by the return of an append, where it was too small to go beside the others', async () => {
    held = new HeldLog(log, 3);
    const writer = writerOn(held.asLog(), { blockEventsMax: 4 });
    for (let number = 0; number < 5; number += 1) write(writer, number);
    for (let turn = 0; turn < 3; turn += 1) await loop.turn();
    expect(held.appends).toHaveLength(1);
    await held.appends[0]?.release();
    for (let turn = 0; turn < 3; turn += 1) await loop.turn();
    expect(held.appends).toHaveLength(2);
    await held.appends[1]?.release();
    expect(countsOf(await logged())).toEqual([4, 1]);
    expect(writer.pending).toBe(0);
  });

  test('when it is full, also while an append is under way', async () => {
    const writer = writerOn(held.asLog(), { blockEventsMax: 2 });
    for (let number = 0; number < 6; number += 1) write(writer, number);
    expect(held.appends).toHaveLength(3);
  });

  test('with the wall time of its closing, its writer’s name and a number of its own', async () => {
    const writer = writerOn(log);
    for (const number of [1, 2]) {
      await loop.pass(1_000);
      write(writer, number);
      await loop.turn();
      await loop.turn();
    }
    expect(await logged()).toMatchObject([
      { blockTime: T0 + 1_000, writerId: 0xabcn, sequence: 1 },
      { blockTime: T0 + 2_000, writerId: 0xabcn, sequence: 2 },
    ]);
  });
});

test('whatever the log answers, and in whatever order, each event is answered by its own append', async () => {
  const answers = { durable: 'durable', append_unknown: 'unknown', log_unavailable: 'unavailable' };
  type Answer = keyof typeof answers;
  const moments = fc.array(
    fc.oneof(
      fc.record({ write: fc.integer({ min: 1, max: 5 }) }),
      fc.record({ turns: fc.integer({ min: 1, max: 3 }) }),
      fc.record({
        which: fc.nat(3),
        answer: fc.constantFrom<Answer[]>('durable', 'append_unknown', 'log_unavailable'),
      }),
    ),
    { maxLength: 60 },
  );
  await fc.assert(
    fc.asyncProperty(fc.integer({ min: 1, max: 4 }), moments, async (allowed, story) => {
      prepare(1);
      held = new HeldLog(log, allowed);
      const writer = writerOn(held.asLog());
      const outcomes: Promise<WriteOutcome>[] = [];
      const expected: (WriteOutcome | 'waiting')[] = [];
      const open = new Set<number>();
      let seen = 0;
      const settle = async (at: number, answer: Answer): Promise<void> => {
        open.delete(at);
        const append = held.appends[at];
        for (const { bytes } of append?.blocks ?? []) {
          const block = decodeBlock(bytes);
          if (block.kind !== 'events') throw new Error('no events');
          for (const number of block.y) expected[number] = answers[answer] as WriteOutcome;
        }
        if (answer === 'durable') await append?.release();
        else await append?.fail(new ApuraError(answer, 'told to'));
      };
      const look = async (): Promise<void> => {
        for (; seen < held.appends.length; seen += 1) open.add(seen);
        expect(open.size).toBeLessThanOrEqual(allowed);
        expect(await Promise.all(outcomes.map(stateOf))).toEqual(expected);
        expect(writer.pending).toBe(expected.filter((state) => state === 'waiting').length);
      };
      for (const moment of story) {
        if ('write' in moment) {
          for (let left = moment.write; left > 0; left -= 1) {
            const id = { ...event(0), y: outcomes.length };
            outcomes.push(writer.write(id, KEY, T0) ?? Promise.reject(new Error('refused')));
            expected.push('waiting');
          }
        } else if ('turns' in moment) {
          for (let left = moment.turns; left > 0; left -= 1) await loop.turn();
        } else {
          const at = [...open][moment.which];
          if (at !== undefined) await settle(at, moment.answer);
        }
        await look();
      }
      // Nothing is forgotten: turns and answers alone bring every event its own.
      while (expected.includes('waiting')) {
        for (let turn = 0; turn < 3; turn += 1) await loop.turn();
        await look();
        const [at] = [...open].slice(-1);
        if (at === undefined) throw new Error('events wait, and no append is under way');
        await settle(at, 'durable');
        await look();
      }
      expect(loop.timers).toBe(0);
    }),
    { numRuns: 200 },
  );
});

test('the events of every partition go into one append, each into its own partition’s block', async () => {
  prepare(4);
  const events = Array.from({ length: 60 }, (_, number) => event(number));
  const writer = writerOn(held.asLog());
  for (const each of events) writer.write(each, KEY, T0);
  await loop.turn();
  await loop.turn();
  expect(held.appends).toHaveLength(1);
  const [append] = held.appends;
  expect(append?.blocks.map(({ partition }) => partition)).toEqual([0, 1, 2, 3]);
  await append?.release();
  for (let partition = 0; partition < 4; partition += 1) {
    const [block] = await logged(partition);
    if (block?.kind !== 'events') throw new Error('no events');
    const own = events.filter((each: TestEvent) => partitionOf(each, 4) === partition);
    expect(block.partition).toBe(partition);
    expect([...block.y]).toEqual(own.map(({ y }) => y));
  }
});

describe('an event is durable', () => {
  test('only after the log has confirmed its block', async () => {
    const writer = writerOn(held.asLog());
    const outcome = write(writer, 1);
    await loop.turn();
    await loop.turn();
    await loop.pass(ACCEPTANCE_BOUND_MS - 1);
    expect(await stateOf(outcome)).toBe('waiting');
    expect(writer.pending).toBe(1);
    await held.appends[0]?.release();
    expect(await stateOf(outcome)).toBe('durable');
    expect(writer.pending).toBe(0);
  });

  test('by its own append: the answer to a later one says nothing of it', async () => {
    const writer = writerOn(held.asLog(), { blockEventsMax: 1 });
    const [first, second] = [write(writer, 1), write(writer, 2)];
    await held.appends[1]?.release();
    expect(await stateOf(second)).toBe('durable');
    expect(await stateOf(first)).toBe('waiting');
    await held.appends[0]?.fail(new ApuraError('append_unknown', 'lost on the way'));
    expect(await stateOf(first)).toBe('unknown');
  });

  test('in spite of a wall clock that jumps', async () => {
    for (const jump of [DAY_MS, -DAY_MS]) {
      const outcome = write(writerOn(log), jump);
      clock.jump(jump);
      await loop.turn();
      await loop.turn();
      expect(await stateOf(outcome)).toBe('durable');
    }
  });
});

describe('the outcome is unknown', () => {
  test('at the acceptance bound, although the log confirms later', async () => {
    const writer = writerOn(held.asLog());
    const outcome = write(writer, 1);
    await loop.turn();
    await loop.turn();
    await loop.pass(ACCEPTANCE_BOUND_MS);
    expect(await stateOf(outcome)).toBe('unknown');
    // It still takes up room: the log may be holding it.
    expect(writer.pending).toBe(1);
    await held.appends[0]?.release();
    expect(await outcome).toBe('unknown');
    expect(writer.pending).toBe(0);
    expect(countsOf(await logged())).toEqual([1]);
  });

  test('also where the loop was too busy to run the timer: the answer itself looks at the clock', async () => {
    const writer = writerOn(held.asLog());
    const late = write(writer, 1);
    await loop.turn();
    await loop.turn();
    clock.advance(ACCEPTANCE_BOUND_MS + 1);
    await held.appends[0]?.release();
    expect(await late).toBe('unknown');
  });

  test('at its own bound for an event that waits behind as many appends as the log takes', async () => {
    held = new HeldLog(log, 2);
    const writer = writerOn(held.asLog());
    const outcomes: Promise<WriteOutcome>[] = [];
    for (let number = 0; number < 3; number += 1) {
      outcomes.push(write(writer, number));
      await loop.turn();
      await loop.turn();
      await loop.pass(100);
    }
    expect(held.appends).toHaveLength(2);
    await loop.pass(ACCEPTANCE_BOUND_MS - 300);
    expect(await Promise.all(outcomes.map(stateOf))).toEqual(['unknown', 'waiting', 'waiting']);
    await held.appends[1]?.release();
    await loop.pass(100);
    expect(await Promise.all(outcomes.map(stateOf))).toEqual(['unknown', 'durable', 'waiting']);
    await loop.pass(100);
    expect(await Promise.all(outcomes.map(stateOf))).toEqual(['unknown', 'durable', 'unknown']);
    await held.appends[0]?.release();
    await loop.turn();
    await loop.turn();
    await held.appends[2]?.release();
    expect(writer.pending).toBe(0);
    expect(loop.timers).toBe(0);
  });

  test('by the time of each event that waits behind one append, not of the first', async () => {
    const writer = writerOn(held.asLog());
    write(writer, 0);
    await loop.turn();
    await loop.turn();
    const early = write(writer, 1);
    await loop.pass(ACCEPTANCE_BOUND_MS / 2);
    const late = write(writer, 2);
    await loop.pass(ACCEPTANCE_BOUND_MS / 2);
    expect([await stateOf(early), await stateOf(late)]).toEqual(['unknown', 'waiting']);
    // It joins those whose time has passed, and has all of its own.
    const latest = write(writer, 3);
    await loop.pass(ACCEPTANCE_BOUND_MS / 2);
    expect([await stateOf(late), await stateOf(latest)]).toEqual(['unknown', 'waiting']);
    await held.appends[0]?.release();
    await loop.turn();
    await loop.turn();
    await held.appends[1]?.release();
    expect([await early, await late, await latest]).toEqual(['unknown', 'unknown', 'durable']);
    expect(countsOf(await logged())).toEqual([1, 3]);
    expect(writer.pending).toBe(0);
    expect(loop.timers).toBe(0);
  });

  test('once for all that came at about one time: a crowd does not take a timer each', async () => {
    const writer = writerOn(held.asLog());
    write(writer, 0);
    await loop.turn();
    await loop.turn();
    const timers = loop.timers;
    for (let number = 1; number <= 100; number += 1) {
      write(writer, number);
      await loop.pass(ACCEPTANCE_BOUND_MS / 200);
    }
    // Half a bound long, in tenths of it.
    expect(loop.timers - timers).toBe(5);
    await held.appends[0]?.release();
    await loop.turn();
    await loop.turn();
    await held.appends[1]?.release();
    expect(loop.timers).toBe(0);
  });

  test('for an event that no turn has closed the block of', async () => {
    const outcome = write(writerOn(log), 1);
    await loop.pass(ACCEPTANCE_BOUND_MS);
    expect(await stateOf(outcome)).toBe('unknown');
  });

  test.each(['append_unknown', 'log_failed'] as const)('where the log says %s', async (code) => {
    const writer = writerOn(log);
    store.failNextAppend({ code, appended: 1 });
    const outcome = write(writer, 1);
    await loop.turn();
    await loop.turn();
    expect(await outcome).toBe('unknown');
    expect(writer.pending).toBe(0);
    expect(loop.timers).toBe(0);
  });

  test('where the log fails in a way that nobody foresaw', async () => {
    const writer = writerOn(held.asLog());
    const outcome = write(writer, 1);
    await loop.turn();
    await loop.turn();
    await held.appends[0]?.fail(new TypeError('broken'));
    expect(await outcome).toBe('unknown');
    expect(failures).toMatchObject([{ code: 'log_failed', cause: { message: 'broken' } }]);
  });
});

describe('the log took nothing', () => {
  test('where it says so', async () => {
    const writer = writerOn(log);
    store.failNextAppend({ code: 'log_unavailable', appended: 0 });
    const outcome = write(writer, 1);
    await loop.turn();
    await loop.turn();
    expect(await outcome).toBe('unavailable');
    expect(failures).toEqual([]);
    const next = write(writer, 2);
    await loop.turn();
    await loop.turn();
    expect(await next).toBe('durable');
  });

  test('where the clock jumps so far that the events make no block; later ones are not harmed', async () => {
    prepare(3);
    const writer = writerOn(held.asLog());
    const before = [1, 2, 3, 4, 5, 6].map((number) => write(writer, number));
    clock.jump(50 * DAY_MS);
    const behind = [7, 8, 9, 10, 11, 12].map((number) => write(writer, number));
    await loop.turn();
    await loop.turn();
    expect(await Promise.all([...before, ...behind])).toEqual(new Array(12).fill('unavailable'));
    expect(held.appends).toEqual([]);
    expect(writer.pending).toBe(0);
    expect(failures).toEqual([]);
    const next = write(writer, 1);
    await loop.turn();
    await loop.turn();
    await held.appends[0]?.release();
    expect(await next).toBe('durable');
    const counts = [0, 1, 2].map(async (partition) => countsOf(await logged(partition)));
    expect((await Promise.all(counts)).flat()).toEqual([1]);
  });
});

describe('a failed log', () => {
  test('is told once, however many appends meet it', async () => {
    const writer = writerOn(log, { blockEventsMax: 1 });
    store.failNextAppend({ code: 'log_failed', appended: 0 });
    const outcomes = [1, 2, 3].map((number) => write(writer, number));
    expect(await Promise.all(outcomes)).toEqual(['unknown', 'unknown', 'unknown']);
    await expect(writer.appendTimeMark(0)).rejects.toThrow('told to fail');
    expect(failures.map(({ code }) => code)).toEqual(['log_failed']);
  });

  test('is told where a control record meets it first', async () => {
    const writer = writerOn(log);
    store.failNextAppend({ code: 'log_failed', appended: 0 });
    await expect(writer.appendControl(0, new Uint8Array(4))).rejects.toThrow('told to fail');
    expect(failures).toHaveLength(1);
  });
});

describe('events without an answer', () => {
  test('are pendingEventsMax at most: one more is refused, and nothing of it taken', async () => {
    const writer = writerOn(held.asLog(), { pendingEventsMax: 3 });
    const outcomes = [1, 2, 3].map((number) => write(writer, number));
    expect(writer.write(event(4), KEY, T0)).toBeNull();
    expect(writer.pending).toBe(3);
    await loop.turn();
    await loop.turn();
    expect(writer.write(event(4), KEY, T0)).toBeNull();
    await held.appends[0]?.release();
    await Promise.all(outcomes);
    expect(countsOf(await logged())).toEqual([3]);
    expect(writer.write(event(4), KEY, T0)).not.toBeNull();
  });

  test('are waited for by drain, which closes the open block at once', async () => {
    const writer = writerOn(held.asLog(), { blockEventsMax: 2 });
    const outcomes = [1, 2, 3].map((number) => write(writer, number));
    let drained = false;
    const done = writer.drain().then(() => {
      drained = true;
    });
    expect(held.appends).toHaveLength(2);
    await held.appends[1]?.release();
    expect(drained).toBe(false);
    await held.appends[0]?.release();
    await done;
    expect(await Promise.all(outcomes)).toEqual(['durable', 'durable', 'durable']);
  });

  test('are waited for by drain also where they come while it waits', async () => {
    const writer = writerOn(held.asLog());
    write(writer, 1);
    const done = writer.drain();
    const late = write(writer, 2);
    await held.appends[0]?.release();
    expect(await stateOf(done)).toBe('waiting');
    await loop.turn();
    await loop.turn();
    await held.appends[1]?.release();
    await done;
    expect(await late).toBe('durable');
  });

  test('are waited for by drain in every append under way, whichever comes back last', async () => {
    held = new HeldLog(log, 3);
    const writer = writerOn(held.asLog());
    const outcomes: Promise<WriteOutcome>[] = [];
    for (let number = 0; number < 3; number += 1) {
      outcomes.push(write(writer, number));
      await loop.turn();
      await loop.turn();
    }
    expect(held.appends).toHaveLength(3);
    const done = writer.drain();
    for (const [position, at] of [2, 0, 1].entries()) {
      expect(await stateOf(done)).toBe('waiting');
      await held.appends[at]?.release();
      expect(await stateOf(outcomes[at] ?? Promise.reject())).toBe('durable');
      expect(writer.pending).toBe(2 - position);
    }
    await done;
  });

  test('are none: then drain returns at once, and appends nothing', async () => {
    await writerOn(held.asLog()).drain();
    expect(held.appends).toEqual([]);
  });
});

describe('control records and time marks', () => {
  test('go to their partition by themselves, and tell their offset', async () => {
    const writer = writerOn(log);
    const payload = new TextEncoder().encode('{}');
    expect(await writer.appendControl(0, payload)).toBe(0);
    clock.advance(10);
    expect(await writer.appendTimeMark(0)).toBe(1);
    expect(await writer.appendControl(CONTROL_PARTITION, payload)).toBe(0);
    expect(await logged(0)).toMatchObject([
      { kind: 'control', partition: 0, payload, blockTime: T0, sequence: 1 },
      { kind: 'time-mark', partition: 0, blockTime: T0 + 10, sequence: 2 },
    ]);
    expect(await logged(CONTROL_PARTITION)).toMatchObject([
      { kind: 'control', partition: CONTROL_BLOCK_PARTITION, payload, sequence: 3 },
    ]);
  });

  test('throw what the log throws', async () => {
    const writer = writerOn(log);
    for (const code of ['log_unavailable', 'append_unknown'] as const) {
      store.failNextAppend({ code, appended: 0 });
      await expect(writer.appendTimeMark(0)).rejects.toMatchObject({ code });
    }
    expect(failures).toEqual([]);
  });
});
