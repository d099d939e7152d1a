import { describe, expect, test } from 'bun:test';
import { type ControlRecord, decodeControlRecord, encodeControlRecord } from './control-record.ts';

const TARGET = { id: '0123456789abcdef'.repeat(2), item: 'ana', lane: 'valid', minute: 29_000_000 };
const CLOSE = { type: 'close', scope: 'final', closesAt: 1_795_000_000_000 };
const VOID = { type: 'void', actId: 'act-1', scope: 'final', targets: [TARGET] };

const bytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value));

describe('a control record', () => {
  test.each<ControlRecord>([
    { type: 'close', scope: 'final', closesAt: 0 },
    { type: 'void', actId: 'act-1', scope: 'eleição', targets: [] },
    {
      type: 'restore',
      actId: 'act-2',
      scope: 'final',
      targets: [
        { ...TARGET, lane: 'flagged' },
        { ...TARGET, lane: 'valid', minute: 0 },
      ],
    },
  ])('of type $type is read as it was written', (record) => {
    expect(decodeControlRecord(encodeControlRecord(record))).toEqual(record);
  });

  test.each([
    ['no JSON', new TextEncoder().encode('{')],
    ['nothing', new Uint8Array()],
    ['no UTF-8', Uint8Array.of(0x22, 0xff, 0x22)],
    ['null', bytes(null)],
    ['a list', bytes([CLOSE])],
    ['a text', bytes('close')],
    ['of an unknown type', bytes({ ...CLOSE, type: 'open' })],
    ['of no type', bytes({ ...CLOSE, type: undefined })],
    ['a close without a scope', bytes({ ...CLOSE, scope: undefined })],
    ['a close without its instant', bytes({ ...CLOSE, closesAt: undefined })],
    ['a close at a broken instant', bytes({ ...CLOSE, closesAt: 1.5 })],
    ['an act without its id', bytes({ ...VOID, actId: undefined })],
    ['an act without a scope', bytes({ ...VOID, scope: 7 })],
    ['an act without targets', bytes({ ...VOID, targets: undefined })],
    ['an act on no event', bytes({ ...VOID, targets: [null] })],
    ['an act on a malformed id', bytes({ ...VOID, targets: [{ ...TARGET, id: 'f'.repeat(31) }] })],
    [
      'an act on an id in capitals',
      bytes({ ...VOID, targets: [{ ...TARGET, id: 'F'.repeat(32) }] }),
    ],
    ['an act on an id that is no text', bytes({ ...VOID, targets: [{ ...TARGET, id: 1 }] })],
    ['an act without an item', bytes({ ...VOID, targets: [{ ...TARGET, item: null }] })],
    ['an act in an unknown lane', bytes({ ...VOID, targets: [{ ...TARGET, lane: 'fast' }] })],
    ['an act in no minute', bytes({ ...VOID, targets: [{ ...TARGET, minute: 0.5 }] })],
    ['one good target and a bad one', bytes({ ...VOID, targets: [TARGET, {}] })],
  ])('is not passed over where it is not understood: %s', (_, payload) => {
    expect(() => decodeControlRecord(payload)).toThrow(
      expect.objectContaining({ code: 'block_invalid' }),
    );
  });
});
