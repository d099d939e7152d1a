import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  T0,
  type TestBlock,
  type TestEvent,
  targetOf,
  WRITER,
} from '../../../test/support/blocks.ts';
import { NaiveFold } from '../../../test/support/naive-fold.ts';
import { RANDOM_LOG_WINDOW_MS, randomLogs } from '../../../test/support/random-log.ts';
import { decodeBlock, encodeControlBlock, encodePulseBlock, encodeUsageBlock } from './block.ts';
import { START } from './checkpoint.ts';
import { type Decision, type FoldStart, PartitionFold } from './partition-fold.ts';
import { StepTotals } from './step-totals.ts';
import { VERDICTS, type Verdict } from './verdict.ts';

const W = 600_000;
const NOTHING: FoldStart = { checkpoint: START, closes: [], acts: [] };

const decoded = (block: TestBlock) => decodeBlock(encodeTestBlock(block));
const mark = (blockTime: number): TestBlock => ({ kind: 'mark', blockTime });
const close = (scope = 'final'): TestBlock => ({ kind: 'close', blockTime: T0, scope });

/** What is told of a block, without the block's memory in it. */
function told(decision: Decision): unknown {
  if (decision.kind !== 'events') return decision;
  const { kind, offset } = decision;
  return { kind, offset, verdicts: verdictsOf(decision) };
}

function verdictsOf(decision: Decision): readonly Verdict[] {
  if (decision.kind !== 'events') throw new Error(`decided ${decision.kind}`);
  const { block, verdicts } = decision;
  return Array.from({ length: block.count }, (_, index) => {
    const verdict = VERDICTS[verdicts?.[index] ?? 0];
    if (verdict === undefined) throw new Error('a verdict that is none');
    return verdict;
  });
}

function decideAll(blocks: readonly TestBlock[], windowMs = W): Decision[] {
  const fold = new PartitionFold(windowMs, NOTHING, 1);
  return blocks.map((block, offset) => fold.decide(offset, decoded(block)));
}

/** The verdicts of a log's events, block by block. */
function verdicts(blocks: readonly TestBlock[]): (readonly Verdict[])[] {
  return decideAll(blocks)
    .filter(({ kind }) => kind === 'events')
    .map(verdictsOf);
}

describe('an event counts once', () => {
  test('however often its id comes, in one block or in many', () => {
    const one = eventsBlock([event(1), event(2), event(1)]);
    expect(verdicts([one, eventsBlock([event(2), event(3)])])).toEqual([
      ['counted', 'counted', 'duplicate'],
      ['duplicate', 'counted'],
    ]);
  });

  test('and a block that is sent again holds duplicates only', () => {
    const block = eventsBlock([event(1), event(2)]);
    expect(verdicts([block, block])[1]).toEqual(['duplicate', 'duplicate']);
  });

  test('also where the retry names another option: the first choice stands', () => {
    const changed = eventsBlock([event(1, { item: 'bia' })]);
    expect(verdicts([eventsBlock([event(1)]), changed])[1]).toEqual(['duplicate']);
  });
});

describe('an event is expired', () => {
  const late = (logTime: number): readonly Verdict[] | undefined =>
    verdicts([mark(logTime), eventsBlock([event(1, { time: T0, acceptedAt: T0 })])])[0];

  test('when log time is past its id time plus W, to the millisecond', () => {
    expect(late(T0 + W)).toEqual(['counted']);
    expect(late(T0 + W + 1)).toEqual(['expired']);
  });

  test('by the largest block time so far, not by that of its own block', () => {
    const blocks = [mark(T0 + W + 1), mark(T0), eventsBlock([event(1)])];
    expect(verdicts(blocks)).toEqual([['expired']]);
  });

  test('by the time of its own block, where that is the largest', () => {
    expect(verdicts([eventsBlock([event(1), event(2, { time: T0 + 1 })], T0 + W + 1)])).toEqual([
      ['expired', 'counted'],
    ]);
  });

  test('rather than duplicate or late, and is so again each time', () => {
    const retry = eventsBlock([event(1)]);
    const blocks = [retry, mark(T0 + W + 1), retry, close(), retry];
    expect(verdicts(blocks).flat()).toEqual(['counted', 'expired', 'expired']);
  });
});

describe('an event is late', () => {
  test('behind its scope’s CLOSE, and only there', () => {
    const blocks = [
      eventsBlock([event(1)]),
      close(),
      eventsBlock([event(2), event(3, { scope: 'semi' })]),
    ];
    expect(verdicts(blocks)).toEqual([['counted'], ['late', 'counted']]);
  });

  test('unless its first try was counted: then it is a duplicate', () => {
    expect(verdicts([eventsBlock([event(1)]), close(), eventsBlock([event(1)])])).toEqual([
      ['counted'],
      ['duplicate'],
    ]);
  });

  test('again when it comes again: what is late is not remembered', () => {
    const retry = eventsBlock([event(1), event(1)]);
    expect(verdicts([close(), retry, retry]).flat()).toEqual(['late', 'late', 'late', 'late']);
  });

  test('from the first CLOSE on: a repeated one moves nothing', () => {
    const blocks = [close(), eventsBlock([event(1)]), close(), eventsBlock([event(2)])];
    const decisions = decideAll(blocks);
    expect(decisions.map(told)).toMatchObject([
      { kind: 'close', scope: 'final', fresh: true },
      { verdicts: ['late'] },
      { kind: 'close', scope: 'final', fresh: false },
      { verdicts: ['late'] },
    ]);
  });

  test('only behind the CLOSE itself: a mark at the block’s own offset spares it', () => {
    const start: FoldStart = { ...NOTHING, closes: [{ scope: 'final', offset: 0 }] };
    const fold = new PartitionFold(W, start, 1);
    expect(verdictsOf(fold.decide(0, decoded(eventsBlock([event(1)]))))).toEqual(['counted']);
    expect(verdictsOf(fold.decide(1, decoded(eventsBlock([event(2)]))))).toEqual(['late']);
  });
});

describe('an act', () => {
  const act = (type: 'void' | 'restore', actId: string, ...events: TestEvent[]): TestBlock => ({
    kind: 'act',
    blockTime: T0,
    type,
    actId,
    scope: 'final',
    targets: events.map(targetOf),
  });
  const changes = (decision: Decision): readonly number[] =>
    decision.kind === 'acts' ? decision.effects.map(({ change }) => change) : [];

  test('takes an event off or puts it back, once, however often it stands in the log', () => {
    const [one, two] = [event(1), event(2)];
    const decisions = decideAll([
      eventsBlock([one, two]),
      act('void', 'a', one, two),
      act('void', 'a', one, two),
      act('void', 'b', one),
      act('restore', 'c', one),
      act('restore', 'c', one),
      act('void', 'a', one),
    ]);
    expect(decisions.slice(1).map(changes)).toEqual([[-1, -1], [], [0], [1], [], []]);
    expect(decisions[1]).toMatchObject({
      kind: 'acts',
      effects: [
        { kind: 'void', actId: 'a', scope: 'final', ...targetWithoutId(one) },
        { kind: 'void', actId: 'a', scope: 'final', ...targetWithoutId(two) },
      ],
    });
  });

  test('does not let a voided id count again', () => {
    const blocks = [eventsBlock([event(1)]), act('void', 'a', event(1)), eventsBlock([event(1)])];
    expect(verdicts(blocks)).toEqual([['counted'], ['duplicate']]);
  });
});

function targetWithoutId(of: TestEvent) {
  const { id, ...rest } = targetOf(of);
  return { target: id, ...rest };
}

describe('the checkpoint', () => {
  const at = (fold: PartitionFold) => fold.checkpoint;

  test('tells of offset, log time and the last block’s checksum', () => {
    const fold = new PartitionFold(W, NOTHING, 1);
    expect(at(fold)).toEqual(START);
    const first = decoded(eventsBlock([event(1)], T0 + 5));
    fold.decide(0, first);
    expect(at(fold)).toEqual({
      nextOffset: 1,
      logTime: T0 + 5,
      windowStartOffset: 0,
      lastBlockCrc: first.crc,
    });
    const second = decoded(mark(T0));
    fold.decide(1, second);
    expect(at(fold)).toMatchObject({
      nextOffset: 2,
      logTime: T0 + 5,
      lastBlockCrc: second.crc,
    });
  });

  test('starts the window at the first block with an id inside it, to the millisecond', () => {
    const fold = new PartitionFold(W, NOTHING, 1);
    const blocks = [
      mark(T0),
      eventsBlock([event(1), event(2, { time: T0 - 1_000 })]),
      eventsBlock([event(3, { time: T0 + 5_000 })]),
      mark(T0 + W),
      mark(T0 + W + 1),
      mark(T0 + W + 5_001),
    ];
    const starts = blocks.map((block, offset) => {
      fold.decide(offset, decoded(block));
      return at(fold).windowStartOffset;
    });
    expect(starts).toEqual([1, 1, 1, 1, 2, 6]);
  });

  test('moves on, and the window gives its memory back, through a long log', () => {
    const fold = new PartitionFold(60_000, NOTHING, 1);
    const count = 4_000;
    let largest = 0;
    for (let offset = 0; offset < count; offset += 1) {
      const now = T0 + offset * 100;
      fold.decide(offset, decoded(eventsBlock([event(offset, { acceptedAt: now })])));
      largest = Math.max(largest, fold.windowSize);
    }
    // 600 blocks a window, and what whole spans of 8 s and letting go once a second keep longer.
    expect(at(fold).windowStartOffset).toBe(count - 601);
    expect(largest).toBeLessThanOrEqual(600 + 82 + 10 + 1);
    expect(largest).toBeGreaterThanOrEqual(600);
  });
});

describe('the fold refuses', () => {
  test('a block out of its order', () => {
    const fold = new PartitionFold(W, NOTHING, 1);
    fold.decide(0, decoded(mark(T0)));
    for (const offset of [0, 2]) {
      expect(() => fold.decide(offset, decoded(mark(T0)))).toThrow('stands at block 1');
      expect(() => fold.reread(offset, decoded(mark(T0)))).toThrow('stands at block 1');
    }
  });

  test('to decide before the window is whole again', () => {
    const checkpoint = { nextOffset: 2, logTime: T0, windowStartOffset: 0, lastBlockCrc: 0 };
    const fold = new PartitionFold(W, { ...NOTHING, checkpoint }, 1);
    expect([fold.warm, fold.position]).toEqual([false, 0]);
    expect(() => fold.decide(0, decoded(mark(T0)))).toThrow('for re-reading');
  });

  test('a control record that it does not know', () => {
    const payload = new TextEncoder().encode('{"type":"merge"}');
    const block = decodeBlock(encodeControlBlock(0, T0, WRITER, payload));
    expect(() => new PartitionFold(W, NOTHING, 1).decide(0, block)).toThrow(
      expect.objectContaining({ code: 'block_invalid' }),
    );
  });

  test.each([
    ['pulses', encodePulseBlock],
    ['usage', encodeUsageBlock],
  ])('%s, which no log of votes holds, and does not move past them', (_, encode) => {
    const pulses = decodeBlock(encode(0, T0, WRITER, 1, Uint8Array.of(0)));
    const fold = new PartitionFold(W, NOTHING, 1);
    const refused = expect.objectContaining({ code: 'block_invalid' });
    expect(() => fold.decide(0, pulses)).toThrow(refused);
    expect(fold.decide(0, decoded(mark(T0))).kind).toBe('nothing');
    const checkpoint = { ...fold.checkpoint, windowStartOffset: 0 };
    const again = new PartitionFold(W, { ...NOTHING, checkpoint }, 1);
    expect(() => again.reread(0, { ...pulses, crc: checkpoint.lastBlockCrc })).toThrow(refused);
  });

  test('to go on behind a block that is not the one it stopped at: a rewound or replaced log', () => {
    const blocks = [mark(T0), eventsBlock([event(1)])];
    const fold = new PartitionFold(W, NOTHING, 1);
    for (const [offset, block] of blocks.entries()) fold.decide(offset, decoded(block));
    const { checkpoint } = fold;
    const restarted = () => new PartitionFold(W, { ...NOTHING, checkpoint }, 1);
    const same = restarted();
    expect(same.position).toBe(1);
    same.reread(1, decoded(eventsBlock([event(1)])));
    expect(same.warm).toBe(true);
    for (const other of [mark(T0), eventsBlock([event(2)]), eventsBlock([event(1)], T0 + 1)]) {
      expect(() => restarted().reread(1, decoded(other))).toThrow(
        expect.objectContaining({ code: 'log_rewound' }),
      );
    }
  });

  test('also where no id is left in the window: the last block is read again in any case', () => {
    const fold = new PartitionFold(W, NOTHING, 1);
    fold.decide(0, decoded(mark(T0)));
    const restarted = new PartitionFold(W, { ...NOTHING, checkpoint: fold.checkpoint }, 1);
    expect([restarted.warm, restarted.position]).toEqual([false, 0]);
    expect(() => restarted.reread(0, decoded(mark(T0 + 1)))).toThrow('rewound or replaced');
  });
});

/** One life of a worker: everything that the checkpoint and the store's marks bring along. */
function restart(stopped: PartitionFold, decisions: readonly Decision[], seed: number) {
  const closes = decisions.flatMap((decision) =>
    decision.kind === 'close' && decision.fresh ? [decision] : [],
  );
  const acts = decisions.flatMap((decision) => (decision.kind === 'acts' ? decision.effects : []));
  const { checkpoint } = stopped;
  return new PartitionFold(RANDOM_LOG_WINDOW_MS, { checkpoint, closes, acts }, seed);
}

describe('any log', () => {
  const RUNS = { numRuns: 250 };

  test('comes to what the rules in their plainest form say', () => {
    fc.assert(
      fc.property(randomLogs(), (log) => {
        const naive = NaiveFold.of(RANDOM_LOG_WINDOW_MS, log);
        const totals = new StepTotals();
        const decisions = decideAll(log, RANDOM_LOG_WINDOW_MS);
        for (const decision of decisions) totals.add(decision);
        const events = decisions.filter(({ kind }) => kind === 'events');
        expect(events.flatMap(verdictsOf)).toEqual(naive.rows.map(({ verdict }) => verdict));
        expect(sorted(totals.counts())).toEqual(sorted(naive.counts()));
        expect(sorted(totals.books())).toEqual(sorted(naive.books()));
      }),
      RUNS,
    );
  });

  test('balances: logged = counted + duplicate + expired + late + voided', () => {
    fc.assert(
      fc.property(randomLogs(), (log) => {
        const totals = new StepTotals();
        for (const decision of decideAll(log, RANDOM_LOG_WINDOW_MS)) totals.add(decision);
        let logged = 0;
        for (const books of totals.books()) {
          const { counted, duplicate, expired, late, voided } = books;
          expect(books.logged).toBe(counted + duplicate + expired + late + voided);
          logged += books.logged;
        }
        const events = log.flatMap((block) => (block.kind === 'events' ? block.events : []));
        expect(logged).toBe(events.length);
        const counts = totals.counts().reduce((sum, { count }) => sum + count, 0);
        expect(counts).toBe(totals.books().reduce((sum, { counted }) => sum + counted, 0));
      }),
      RUNS,
    );
  });

  test('is decided the same however often the fold is stopped and started again', () => {
    const stops = fc.array(fc.nat(40), { maxLength: 6 });
    fc.assert(
      fc.property(randomLogs(), stops, (log, stopsAt) => {
        const blocks = log.map(decoded);
        const whole = new PartitionFold(RANDOM_LOG_WINDOW_MS, NOTHING, 1);
        let stopped = new PartitionFold(RANDOM_LOG_WINDOW_MS, NOTHING, 2);
        const decisions: Decision[] = [];
        for (const [offset, block] of blocks.entries()) {
          if (stopsAt.includes(offset)) {
            stopped = restart(stopped, decisions, offset);
            while (!stopped.warm) {
              const again = blocks[stopped.position];
              if (again === undefined) throw new Error('re-read beyond the log');
              stopped.reread(stopped.position, again);
            }
            expect(stopped.checkpoint).toEqual(whole.checkpoint);
          }
          const decision = stopped.decide(offset, block);
          expect(told(decision)).toEqual(told(whole.decide(offset, block)));
          expect(stopped.checkpoint).toEqual(whole.checkpoint);
          decisions.push(decision);
        }
      }),
      RUNS,
    );
  });
});

function sorted(entries: readonly object[]): string[] {
  return entries.map((entry) => JSON.stringify(Object.entries(entry).sort())).sort();
}
