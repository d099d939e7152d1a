import { describe, expect, test } from 'bun:test';
import {
  encodeTestBlock,
  event,
  eventsBlock,
  T0,
  type TestBlock,
  type TestEvent,
} from '../../../test/support/blocks.ts';
import { step } from '../../../test/support/store-step-samples.ts';
import { decodeBlock } from '../../domain/counting/block.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { eventIdHex } from '../../domain/counting/event-id.ts';
import { PartitionFold } from '../../domain/counting/partition-fold.ts';
import { VERDICTS } from '../../domain/counting/verdict.ts';
import type { EventColumns } from '../../ports/ledger.ts';
import { LedgerCollector, TallyCollector } from './step-collectors.ts';

const BASE = step({ epoch: 3, from: 7, length: 2 });

function collected(blocks: readonly TestBlock[]): ReturnType<LedgerCollector['step']> {
  const fold = new PartitionFold(600_000, { checkpoint: START, closes: [], acts: [] }, 1);
  const collector = new LedgerCollector();
  for (const [offset, block] of blocks.entries()) {
    collector.add(fold.decide(offset, decodeBlock(encodeTestBlock(block))));
  }
  return collector.step(BASE);
}

/** Columns as rows again: id, key, acceptance, offset. */
function rowsOf(columns: EventColumns) {
  for (const column of [columns.keyIndex, columns.acceptedAt, columns.offset]) {
    expect(column).toHaveLength(columns.count);
  }
  expect(columns.ids).toHaveLength(columns.count * 16);
  return Array.from({ length: columns.count }, (_, index) => ({
    id: Buffer.from(columns.ids.subarray(index * 16, index * 16 + 16)).toString('hex'),
    ...columns.keys[columns.keyIndex[index] ?? -1],
    acceptedAt: columns.acceptedAt[index],
    offset: columns.offset[index],
  }));
}

const rowOf = (event: TestEvent, offset: number) => {
  const { scope, item, lane, acceptedAt } = event;
  return { id: eventIdHex(event), scope, item, lane, acceptedAt, offset };
};

describe('the tally’s step', () => {
  test('is the totals alone, whatever was decided', () => {
    const collector = new TallyCollector();
    collector.add();
    expect(collector.step(BASE)).toBe(BASE);
  });
});

describe('the ledger’s step', () => {
  const ana = event(1, { acceptedAt: T0 - 3 });
  const bia = event(2, { item: 'bia', acceptedAt: T0 });
  const flagged = event(3, { item: 'bia', lane: 'flagged', acceptedAt: T0 });
  const old = event(4, { time: T0 - 600_001, acceptedAt: T0 });

  test('holds every counted event with its id, key, acceptance and offset', () => {
    const { counted, excluded, ...base } = collected([
      eventsBlock([ana, bia]),
      eventsBlock([bia, flagged, ana]),
    ]);
    expect(base).toEqual(BASE);
    expect(rowsOf(counted)).toEqual([rowOf(ana, 0), rowOf(bia, 0), rowOf(flagged, 1)]);
    expect(rowsOf(excluded)).toEqual([]);
  });

  test('keeps one entry a key, though every block has its own dictionary', () => {
    const { counted } = collected([
      eventsBlock([ana, bia]),
      eventsBlock([flagged, event(5, { item: 'bia' }), event(6)]),
    ]);
    expect(counted.keys).toHaveLength(3);
    expect([...counted.keyIndex]).toEqual([0, 1, 2, 1, 0]);
  });

  test('holds late and expired events apart, with their verdict, and no duplicate', () => {
    const late = event(5, { acceptedAt: T0 });
    const { counted, excluded } = collected([
      eventsBlock([ana, old]),
      { kind: 'close', blockTime: T0, scope: 'final' },
      eventsBlock([late, ana, event(6, { scope: 'semi', acceptedAt: T0 })]),
    ]);
    expect(rowsOf(counted)).toEqual([
      rowOf(ana, 0),
      rowOf(event(6, { scope: 'semi', acceptedAt: T0 }), 2),
    ]);
    expect(rowsOf(excluded)).toEqual([rowOf(old, 0), rowOf(late, 2)]);
    expect([...excluded.verdict].map((verdict) => VERDICTS[verdict])).toEqual(['expired', 'late']);
  });

  test('keeps every event of a step of many thousands', () => {
    const events = Array.from({ length: 5_000 }, (_, number) =>
      event(number, { item: `o${number % 7}`, time: T0 + number, acceptedAt: T0 + number }),
    );
    const olds = events.map((each) => ({ ...each, time: each.time - 700_000 }));
    const { counted, excluded } = collected([
      eventsBlock(events.slice(0, 3_000)),
      eventsBlock(events.slice(3_000)),
      eventsBlock(olds),
    ]);
    expect(rowsOf(counted)).toEqual(events.map((each, at) => rowOf(each, at < 3_000 ? 0 : 1)));
    expect(rowsOf(excluded)).toEqual(olds.map((each) => rowOf(each, 2)));
  });
});
