/** Blocks as tests write them: events one by one with plain defaults, sealed as a door seals them. */
import {
  BlockBuilder,
  type BlockWriter,
  type EncodedKey,
  encodeControlBlock,
  encodeKey,
  encodeTimeMark,
} from '../../src/domain/counting/block.ts';
import { type ActTarget, encodeControlRecord } from '../../src/domain/counting/control-record.ts';
import { crc32c } from '../../src/domain/counting/crc32c.ts';
import { eventIdHex } from '../../src/domain/counting/event-id.ts';
import type { EventKey } from '../../src/domain/counting/key.ts';

/** A whole minute, ms since the Unix epoch. */
export const T0 = Date.UTC(2026, 10, 21, 20);

export const WRITER: BlockWriter = { writerId: 0x0123_4567_89ab_cdefn, sequence: 7 };

export interface TestEvent extends EventKey {
  /** The id: its time in ms, then 80 bits. */
  readonly time: number;
  readonly x: number;
  readonly y: number;
  readonly z: number;
  readonly acceptedAt: number;
}

export type TestBlock =
  | { readonly kind: 'events'; readonly blockTime: number; readonly events: readonly TestEvent[] }
  | { readonly kind: 'close'; readonly blockTime: number; readonly scope: string }
  | {
      readonly kind: 'act';
      readonly blockTime: number;
      readonly type: 'void' | 'restore';
      readonly actId: string;
      readonly scope: string;
      readonly targets: readonly ActTarget[];
    }
  | { readonly kind: 'mark'; readonly blockTime: number };

/** An event whose id is told apart by `number`; its id was made when it was accepted unless told. */
export function event(number: number, fields: Partial<TestEvent> = {}): TestEvent {
  const acceptedAt = fields.acceptedAt ?? T0;
  return {
    time: acceptedAt,
    x: Math.imul(number, 0x9e37_79b1) >>> 0,
    y: number >>> 0,
    z: number & 0xffff,
    scope: 'final',
    item: 'ana',
    lane: 'valid',
    ...fields,
    acceptedAt,
  };
}

/** A block of events; sealed when the last of them was accepted unless told. */
export function eventsBlock(events: readonly TestEvent[], blockTime?: number): TestBlock {
  const accepted = Math.max(...events.map(({ acceptedAt }) => acceptedAt));
  return { kind: 'events', blockTime: Math.max(blockTime ?? accepted, accepted), events };
}

/** What a void or a restore says of an event. */
export function targetOf(event: TestEvent): ActTarget {
  const minute = Math.floor(event.acceptedAt / 60_000);
  return { id: eventIdHex(event), item: event.item, lane: event.lane, minute };
}

/** Keys by identity, as a door keeps them. */
function encodedKeys(): (key: EventKey) => EncodedKey {
  const known = new Map<string, EncodedKey>();
  return (key) => {
    const name = JSON.stringify([key.lane, key.scope, key.item]);
    const encoded = known.get(name) ?? { bytes: encodeKey(key) };
    known.set(name, encoded);
    return encoded;
  };
}

export function sealEvents(
  events: readonly TestEvent[],
  blockTime: number,
  partition = 0,
  writer: BlockWriter = WRITER,
): Uint8Array {
  const keyOf = encodedKeys();
  const builder = new BlockBuilder(Math.max(1, events.length));
  for (const each of events) {
    builder.add(each.time, each.x, each.y, each.z, keyOf(each), each.acceptedAt);
  }
  return builder.seal(partition, blockTime, writer);
}

export function encodeTestBlock(block: TestBlock, partition = 0): Uint8Array {
  const { blockTime } = block;
  switch (block.kind) {
    case 'events':
      return sealEvents(block.events, blockTime, partition);
    case 'mark':
      return encodeTimeMark(partition, blockTime, WRITER);
    case 'close': {
      const { scope } = block;
      const record = encodeControlRecord({ type: 'close', scope, closesAt: blockTime });
      return encodeControlBlock(partition, blockTime, WRITER, record);
    }
    case 'act': {
      const { type, actId, scope, targets } = block;
      const record = encodeControlRecord({ type, actId, scope, targets });
      return encodeControlBlock(partition, blockTime, WRITER, record);
    }
  }
}

/** The block with other bytes at some places and the CRC that they ask for: well sealed nonsense. */
export function resealed(block: Uint8Array, change: (view: DataView) => void): Uint8Array {
  const bytes = block.slice();
  const view = new DataView(bytes.buffer);
  change(view);
  view.setUint32(bytes.length - 4, crc32c(bytes, 0, bytes.length - 4), true);
  return bytes;
}
