import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  encodeTestBlock,
  event,
  sealEvents,
  T0,
  type TestEvent,
} from '../../../test/support/blocks.ts';
import { decodeBlock, decodeKey } from '../../domain/counting/block.ts';
import { eventIdHex } from '../../domain/counting/event-id.ts';
import { LANES } from '../../domain/counting/lane.ts';
import type { ArchiveColumns } from '../../ports/archive.ts';
import { archivableVotes } from './archive-decoder.ts';

const blockOf = (events: readonly TestEvent[], blockTime: number, offset: number) => ({
  offset,
  block: decodeBlock(sealEvents(events, blockTime)),
});

/** What the archive is handed, one by one. */
function rowsOf(columns: ArchiveColumns) {
  const hex = (hashes: Uint8Array, at: number) =>
    Buffer.from(hashes.subarray(16 * at, 16 * at + 16)).toString('hex');
  return Array.from({ length: columns.count }, (_, at) => ({
    id: hex(columns.keys, at),
    digest: hex(columns.digests, at),
    ...decodeKey(columns.bytes.subarray(columns.start[at], columns.end[at])),
    acceptedAt: columns.occurredAt[at],
    loggedAt: columns.receivedAt[at],
    offset: columns.offset[at],
  }));
}

const rowOf = (one: TestEvent, loggedAt: number, offset: number) => ({
  id: eventIdHex(one),
  digest: '0'.repeat(32),
  scope: one.scope,
  item: one.item,
  lane: one.lane,
  acceptedAt: one.acceptedAt,
  loggedAt,
  offset,
});

describe('votes for the archive', () => {
  test('are those of the blocks as they were logged, each copy, whatever becomes of them', () => {
    const first = [event(1), event(2, { item: 'bia', lane: 'flagged', acceptedAt: T0 - 70_000 })];
    const second = [event(1), event(3, { scope: 'semifinal', time: T0 - 3_600_000 })];
    const { columns, unreadable } = archivableVotes([
      blockOf(first, T0 + 5, 7),
      { offset: 8, block: decodeBlock(encodeTestBlock({ kind: 'mark', blockTime: T0 })) },
      {
        offset: 9,
        block: decodeBlock(encodeTestBlock({ kind: 'close', blockTime: T0, scope: 'final' })),
      },
      blockOf(second, T0 + 9, 10),
    ]);
    expect(unreadable).toBe(0);
    expect(rowsOf(columns)).toEqual([
      ...first.map((one) => rowOf(one, T0 + 5, 7)),
      ...second.map((one) => rowOf(one, T0 + 9, 10)),
    ]);
  });

  test('may be none', () => {
    expect(archivableVotes([]).columns.count).toBe(0);
  });

  test('of any blocks are theirs, in their order, and of one block the same alone and among others', () => {
    const anEvent = fc
      .record({
        time: fc.integer({ min: T0 - 600_000, max: T0 }),
        x: fc.nat(0xffff_ffff),
        y: fc.nat(0xffff_ffff),
        z: fc.nat(0xffff),
        scope: fc.constantFrom('a', 'final', 'são-paulo'),
        item: fc.constantFrom('x', 'ana'),
        lane: fc.constantFrom(...LANES),
        acceptedAt: fc.integer({ min: T0 - 100_000, max: T0 }),
      })
      .map((fields): TestEvent => fields);
    const drawn = fc.array(fc.array(anEvent, { minLength: 1, maxLength: 9 }), { maxLength: 6 });
    fc.assert(
      fc.property(drawn, (blocks) => {
        const sealed = blocks.map((events, offset) => blockOf(events, T0, offset));
        const rows = rowsOf(archivableVotes(sealed).columns);
        expect(rows).toEqual(
          blocks.flatMap((events, offset) => events.map((one) => rowOf(one, T0, offset))),
        );
        expect(sealed.flatMap((block) => rowsOf(archivableVotes([block]).columns))).toEqual(rows);
      }),
    );
  });
});
