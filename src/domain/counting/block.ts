/**
 * The block: how events stand in the log. One append carries one block a partition, from one to
 * thousands of events, in columns behind a dictionary of keys, with a CRC32C over all of it.
 *
 * Little-endian; every column starts on a multiple of 4, so that a reader lays typed arrays over it.
 *
 *   0  u32 magic "APB1"          20 u48 block time, ms (two bytes of zero behind)
 *   4  u8  kind                  28 u48 base of the id times, ms (two bytes of zero behind)
 *   5  u8  wide-column flags     36 u32 count of events, control records or pulses
 *   6  u16 partition             40 u32 length of the dictionary or payload, unpadded
 *   8  u64 writer                44 u16 number of keys
 *  16  u32 sequence of writer    46 u16 zero
 *  48  dictionary (lane u8, scope length u8, scope, item length u8, item: a key) or payload
 *   …  columns: x u32, y u32, z u16, id time delta u16|u32, acceptance delta u16|u32, key u8|u16
 *  -4  u32 CRC32C of everything before it
 *
 * A payload is control records, usage, or pulses one behind the other (see metering/pulse-payload.ts). The
 * block time is when they were received.
 *
 * An event costs 4 + 4 + 2 + 2 + 2 + 1 = 15 bytes in a block of votes: the acceptance and id times are
 * deltas, the key is an index, a vote's amount is one and is not written.
 */
import { ApuraError } from '../errors.ts';
import { crc32c } from './crc32c.ts';
import type { EventKey } from './key.ts';
import { LANES } from './lane.ts';

const MAGIC = 0x31425041;
const HEADER_BYTES = 48;
const CRC_BYTES = 4;
const WIDE_ID_TIME = 1;
const WIDE_ACCEPTANCE = 2;
const WIDE_KEY = 4;
const KNOWN_FLAGS = WIDE_ID_TIME | WIDE_ACCEPTANCE | WIDE_KEY;
const U16 = 0x1_0000;
const U32 = 0x1_0000_0000;

/** The partition number that a block of the control partition carries. */
export const CONTROL_BLOCK_PARTITION = 0xffff;
export const KEY_PART_BYTES_MAX = 255;
export const BLOCK_KEYS_MAX = 0xffff;

const KIND_EVENTS = 1;
const KIND_CONTROL = 2;
const KIND_TIME_MARK = 3;
const KIND_PULSES = 4;
const KIND_USAGE = 5;

/** Who sealed a block, and which of its blocks it is: for diagnosis only. */
export interface BlockWriter {
  readonly writerId: bigint;
  readonly sequence: number;
}

interface BlockBase extends BlockWriter {
  readonly partition: number;
  /** The writer's clock when it sealed the block, ms since the Unix epoch. */
  readonly blockTime: number;
  /** CRC32C of the block. */
  readonly crc: number;
}

/** Events in columns of equal length `count`, laid over the block's bytes. */
export interface EventBlock extends BlockBase {
  readonly kind: 'events';
  readonly count: number;
  readonly keys: readonly EventKey[];
  readonly baseIdTime: number;
  /** ms above `baseIdTime`. */
  readonly idTimeDelta: Uint16Array | Uint32Array;
  readonly x: Uint32Array;
  readonly y: Uint32Array;
  readonly z: Uint16Array;
  /** ms below `blockTime`. */
  readonly acceptanceDelta: Uint16Array | Uint32Array;
  readonly keyIndex: Uint8Array | Uint16Array;
}

/** Control records, as UTF-8 JSON that the control codecs read. */
export interface ControlBlock extends BlockBase {
  readonly kind: 'control';
  readonly payload: Uint8Array;
}

/** Nothing but its time: moves an idle partition's log time on. */
export interface TimeMarkBlock extends BlockBase {
  readonly kind: 'time-mark';
}

/** Pulses as their senders wrote them (see domain/metering/pulse-payload.ts). Never in a log of votes. */
export interface PulseBlock extends BlockBase {
  readonly kind: 'pulses';
  readonly count: number;
  readonly payload: Uint8Array;
}

/** Usage records on their way to rating (see domain/metering/usage-wire.ts). */
export interface UsageBlock extends BlockBase {
  readonly kind: 'usage';
  readonly count: number;
  readonly payload: Uint8Array;
}

export type Block = EventBlock | ControlBlock | TimeMarkBlock | PulseBlock | UsageBlock;

const encoder = new TextEncoder();
// A byte order mark is part of a key: without it, it would be another key.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

// Not by bits: a forged length beyond 31 bits must stay as large as it says.
const padded = (length: number): number => Math.ceil(length / 4) * 4;

/**
 * A key's dictionary entry.
 *
 * @throws ApuraError `block_invalid`: a part is empty, too long, or no Unicode: two such parts could
 *   become one in UTF-8.
 */
export function encodeKey(key: EventKey): Uint8Array {
  const scope = encodeKeyPart(key.scope);
  const item = encodeKeyPart(key.item);
  const bytes = new Uint8Array(3 + scope.length + item.length);
  bytes[0] = LANES.indexOf(key.lane);
  bytes[1] = scope.length;
  bytes.set(scope, 2);
  bytes[2 + scope.length] = item.length;
  bytes.set(item, 3 + scope.length);
  return bytes;
}

function encodeKeyPart(part: string): Uint8Array {
  if (!part.isWellFormed()) throw invalid('A key part has half of a surrogate pair.');
  const bytes = encoder.encode(part);
  if (bytes.length === 0 || bytes.length > KEY_PART_BYTES_MAX) {
    throw invalid(`A key part has ${bytes.length} bytes, not 1–${KEY_PART_BYTES_MAX}.`);
  }
  return bytes;
}

function writeTime(view: DataView, at: number, time: number): void {
  view.setUint32(at, time % U32, true);
  view.setUint32(at + 4, Math.floor(time / U32), true);
}

function readTime(view: DataView, at: number): number {
  const high = view.getUint32(at + 4, true);
  if (high >= U16) throw new ApuraError('block_invalid', 'A time of the block is out of range.');
  return high * U32 + view.getUint32(at, true);
}

interface Header extends BlockWriter {
  readonly kind: number;
  readonly flags: number;
  readonly partition: number;
  readonly blockTime: number;
  readonly baseIdTime: number;
  readonly count: number;
  readonly bodyLength: number;
  readonly keyCount: number;
}

function writeHeader(view: DataView, header: Header): void {
  view.setUint32(0, MAGIC, true);
  view.setUint8(4, header.kind);
  view.setUint8(5, header.flags);
  view.setUint16(6, header.partition, true);
  view.setBigUint64(8, header.writerId, true);
  view.setUint32(16, header.sequence, true);
  writeTime(view, 20, header.blockTime);
  writeTime(view, 28, header.baseIdTime);
  view.setUint32(36, header.count, true);
  view.setUint32(40, header.bodyLength, true);
  view.setUint16(44, header.keyCount, true);
}

function sealCrc(bytes: Uint8Array, view: DataView): void {
  view.setUint32(bytes.length - CRC_BYTES, crc32c(bytes, 0, bytes.length - CRC_BYTES), true);
}

/** A block without columns: a time mark, control records as JSON, or pulses. */
function encodePlain(
  kind: number,
  partition: number,
  blockTime: number,
  writer: BlockWriter,
  count: number,
  payload: Uint8Array,
): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + padded(payload.length) + CRC_BYTES);
  const view = new DataView(bytes.buffer);
  writeHeader(view, {
    kind,
    flags: 0,
    partition,
    blockTime,
    baseIdTime: 0,
    count,
    bodyLength: payload.length,
    keyCount: 0,
    writerId: writer.writerId,
    sequence: writer.sequence,
  });
  bytes.set(payload, HEADER_BYTES);
  sealCrc(bytes, view);
  return bytes;
}

export function encodeControlBlock(
  partition: number,
  blockTime: number,
  writer: BlockWriter,
  payload: Uint8Array,
): Uint8Array {
  return encodePlain(KIND_CONTROL, partition, blockTime, writer, 1, payload);
}

export function encodeTimeMark(
  partition: number,
  blockTime: number,
  writer: BlockWriter,
): Uint8Array {
  return encodePlain(KIND_TIME_MARK, partition, blockTime, writer, 0, new Uint8Array(0));
}

/** `payload` holds `count` pulses (see domain/metering/pulse-payload.ts). */
export function encodePulseBlock(
  partition: number,
  blockTime: number,
  writer: BlockWriter,
  count: number,
  payload: Uint8Array,
): Uint8Array {
  return encodePlain(KIND_PULSES, partition, blockTime, writer, count, payload);
}

/** `payload` holds `count` usage records as one PutUsageRequest. */
export function encodeUsageBlock(
  partition: number,
  blockTime: number,
  writer: BlockWriter,
  count: number,
  payload: Uint8Array,
): Uint8Array {
  return encodePlain(KIND_USAGE, partition, blockTime, writer, count, payload);
}

/** A key that a door has encoded once, to be put into many blocks. Compared by identity. */
export interface EncodedKey {
  readonly bytes: Uint8Array;
}

/**
 * Gathers the events of one block of one partition. Reused from block to block, so that accepting an
 * event allocates nothing.
 */
export class BlockBuilder {
  readonly capacity: number;
  #count = 0;
  readonly #time: Float64Array;
  readonly #x: Uint32Array;
  readonly #y: Uint32Array;
  readonly #z: Uint16Array;
  readonly #acceptedAt: Float64Array;
  readonly #key: Uint16Array;
  readonly #keys = new Map<EncodedKey, number>();
  #keyBytes = 0;
  #lastKey: EncodedKey | null = null;
  #lastKeyIndex = 0;
  #timeMin = Infinity;
  #timeMax = 0;
  #acceptedMin = Infinity;

  /** @throws RangeError: a block could have more keys than it can number. */
  constructor(capacity: number) {
    if (capacity > BLOCK_KEYS_MAX) throw new RangeError(`No block takes ${capacity} events.`);
    this.capacity = capacity;
    this.#time = new Float64Array(capacity);
    this.#x = new Uint32Array(capacity);
    this.#y = new Uint32Array(capacity);
    this.#z = new Uint16Array(capacity);
    this.#acceptedAt = new Float64Array(capacity);
    this.#key = new Uint16Array(capacity);
  }

  get count(): number {
    return this.#count;
  }

  /** The first acceptance in the block, ms since the Unix epoch; Infinity while it is empty. */
  get acceptedMin(): number {
    return this.#acceptedMin;
  }

  /** Adds one event; the caller seals before `count` reaches `capacity`. */
  add(time: number, x: number, y: number, z: number, key: EncodedKey, acceptedAt: number): void {
    const at = this.#count;
    this.#time[at] = time;
    this.#x[at] = x;
    this.#y[at] = y;
    this.#z[at] = z;
    this.#acceptedAt[at] = acceptedAt;
    if (time < this.#timeMin) this.#timeMin = time;
    if (time > this.#timeMax) this.#timeMax = time;
    if (acceptedAt < this.#acceptedMin) this.#acceptedMin = acceptedAt;
    if (key !== this.#lastKey) {
      let index = this.#keys.get(key);
      if (index === undefined) {
        index = this.#keys.size;
        this.#keys.set(key, index);
        this.#keyBytes += key.bytes.length;
      }
      this.#lastKey = key;
      this.#lastKeyIndex = index;
    }
    this.#key[at] = this.#lastKeyIndex;
    this.#count = at + 1;
  }

  /**
   * The block's bytes; the builder is empty afterwards, whatever happens. `blockTime` is raised to the
   * last acceptance.
   *
   * @throws ApuraError `block_invalid`: the clock jumped so far that the times don't fit in one block.
   */
  seal(partition: number, blockTime: number, writer: BlockWriter): Uint8Array {
    const n = this.#count;
    let time = blockTime;
    for (let index = 0; index < n; index += 1) {
      const accepted = this.#acceptedAt[index] as number;
      if (accepted > time) time = accepted;
    }
    if (this.#timeMax - this.#timeMin >= U32 || time - this.#acceptedMin >= U32) {
      this.#clear();
      throw new ApuraError('block_invalid', 'The times of one block lie 49 days or more apart.');
    }
    const wideId = this.#timeMax - this.#timeMin >= U16;
    const wideAcceptance = time - this.#acceptedMin >= U16;
    const wideKey = this.#keys.size > 256;
    const xAt = HEADER_BYTES + padded(this.#keyBytes);
    const yAt = xAt + 4 * n;
    const zAt = yAt + 4 * n;
    const idAt = zAt + padded(2 * n);
    const acceptanceAt = idAt + padded((wideId ? 4 : 2) * n);
    const keyAt = acceptanceAt + padded((wideAcceptance ? 4 : 2) * n);
    const bytes = new Uint8Array(keyAt + padded((wideKey ? 2 : 1) * n) + CRC_BYTES);
    const { buffer } = bytes;
    const view = new DataView(buffer);
    writeHeader(view, {
      kind: KIND_EVENTS,
      flags:
        (wideId ? WIDE_ID_TIME : 0) |
        (wideAcceptance ? WIDE_ACCEPTANCE : 0) |
        (wideKey ? WIDE_KEY : 0),
      partition,
      blockTime: time,
      baseIdTime: n === 0 ? 0 : this.#timeMin,
      count: n,
      bodyLength: this.#keyBytes,
      keyCount: this.#keys.size,
      writerId: writer.writerId,
      sequence: writer.sequence,
    });
    let at = HEADER_BYTES;
    for (const key of this.#keys.keys()) {
      bytes.set(key.bytes, at);
      at += key.bytes.length;
    }
    new Uint32Array(buffer, xAt, n).set(this.#x.subarray(0, n));
    new Uint32Array(buffer, yAt, n).set(this.#y.subarray(0, n));
    new Uint16Array(buffer, zAt, n).set(this.#z.subarray(0, n));
    const ids = wideId ? new Uint32Array(buffer, idAt, n) : new Uint16Array(buffer, idAt, n);
    const acceptances = wideAcceptance
      ? new Uint32Array(buffer, acceptanceAt, n)
      : new Uint16Array(buffer, acceptanceAt, n);
    for (let index = 0; index < n; index += 1) {
      ids[index] = (this.#time[index] as number) - this.#timeMin;
      acceptances[index] = time - (this.#acceptedAt[index] as number);
    }
    (wideKey ? new Uint16Array(buffer, keyAt, n) : new Uint8Array(buffer, keyAt, n)).set(
      this.#key.subarray(0, n),
    );
    sealCrc(bytes, view);
    this.#clear();
    return bytes;
  }

  #clear(): void {
    this.#count = 0;
    this.#keys.clear();
    this.#keyBytes = 0;
    this.#lastKey = null;
    this.#timeMin = Infinity;
    this.#timeMax = 0;
    this.#acceptedMin = Infinity;
  }
}

function invalid(why: string): ApuraError {
  return new ApuraError('block_invalid', why);
}

function readHeader(bytes: Uint8Array, view: DataView): Header {
  if (bytes.length < HEADER_BYTES + CRC_BYTES || bytes.length % 4 !== 0) {
    throw invalid(`A block can not have ${bytes.length} bytes.`);
  }
  if (view.getUint32(0, true) !== MAGIC) throw invalid('The bytes do not start as a block.');
  const stored = view.getUint32(bytes.length - CRC_BYTES, true);
  const computed = crc32c(bytes, 0, bytes.length - CRC_BYTES);
  if (stored !== computed) {
    throw invalid(`The block's CRC32C is ${hex(stored)}, its bytes give ${hex(computed)}.`);
  }
  return {
    kind: view.getUint8(4),
    flags: view.getUint8(5),
    partition: view.getUint16(6, true),
    writerId: view.getBigUint64(8, true),
    sequence: view.getUint32(16, true),
    blockTime: readTime(view, 20),
    baseIdTime: readTime(view, 28),
    count: view.getUint32(36, true),
    bodyLength: view.getUint32(40, true),
    keyCount: view.getUint16(44, true),
  };
}

const hex = (value: number): string => value.toString(16).padStart(8, '0');

/**
 * The key that `encodeKey` wrote.
 *
 * @throws ApuraError `block_invalid`: anything else.
 */
export function decodeKey(bytes: Uint8Array): EventKey {
  return readKeys(bytes, 1)[0] as EventKey;
}

function readKeys(bytes: Uint8Array, count: number): EventKey[] {
  const end = bytes.length;
  const keys: EventKey[] = [];
  let at = 0;
  const part = (): string => {
    const size = bytes[at] ?? 0;
    const start = at + 1;
    at = start + size;
    if (size === 0 || at > end) throw invalid("The block's dictionary of keys is malformed.");
    try {
      return decoder.decode(bytes.subarray(start, at));
    } catch {
      throw invalid('A key of the block is not UTF-8.');
    }
  };
  for (let index = 0; index < count; index += 1) {
    const lane = LANES[bytes[at] ?? 0xff];
    if (lane === undefined) throw invalid('A key of the block names an unknown lane.');
    at += 1;
    keys.push({ scope: part(), item: part(), lane });
  }
  if (at !== end) throw invalid("The block's dictionary of keys has bytes left over.");
  return keys;
}

function readEvents(bytes: Uint8Array, header: Header, base: BlockBase): EventBlock {
  const { count: n, flags } = header;
  if ((flags & ~KNOWN_FLAGS) !== 0) throw invalid('The block has columns that are not known here.');
  const wideId = (flags & WIDE_ID_TIME) !== 0;
  const wideAcceptance = (flags & WIDE_ACCEPTANCE) !== 0;
  const wideKey = (flags & WIDE_KEY) !== 0;
  const xAt = HEADER_BYTES + padded(header.bodyLength);
  const yAt = xAt + 4 * n;
  const zAt = yAt + 4 * n;
  const idAt = zAt + padded(2 * n);
  const acceptanceAt = idAt + padded((wideId ? 4 : 2) * n);
  const keyAt = acceptanceAt + padded((wideAcceptance ? 4 : 2) * n);
  const end = keyAt + padded((wideKey ? 2 : 1) * n) + CRC_BYTES;
  if (end !== bytes.length) throw invalid(`The block has ${bytes.length} bytes, not ${end}.`);
  const dictionary = bytes.subarray(HEADER_BYTES, HEADER_BYTES + header.bodyLength);
  const keys = readKeys(dictionary, header.keyCount);
  const { buffer, byteOffset: start } = bytes;
  const keyIndex = wideKey
    ? new Uint16Array(buffer, start + keyAt, n)
    : new Uint8Array(buffer, start + keyAt, n);
  let highest = -1;
  for (let index = 0; index < n; index += 1) {
    const key = keyIndex[index] as number;
    if (key > highest) highest = key;
  }
  if (highest >= keys.length) throw invalid('An event of the block has a key that is not there.');
  return {
    ...base,
    kind: 'events',
    count: n,
    keys,
    baseIdTime: header.baseIdTime,
    x: new Uint32Array(buffer, start + xAt, n),
    y: new Uint32Array(buffer, start + yAt, n),
    z: new Uint16Array(buffer, start + zAt, n),
    idTimeDelta: wideId
      ? new Uint32Array(buffer, start + idAt, n)
      : new Uint16Array(buffer, start + idAt, n),
    acceptanceDelta: wideAcceptance
      ? new Uint32Array(buffer, start + acceptanceAt, n)
      : new Uint16Array(buffer, start + acceptanceAt, n),
    keyIndex,
  };
}

/**
 * Reads a block, checking all of it. The result's arrays lie over `given` where it is aligned.
 *
 * @throws ApuraError `block_invalid`: cut, flipped, foreign, or of a format that is not known here.
 */
export function decodeBlock(given: Uint8Array): Block {
  // A copy by construction: slice() of a Buffer, which clients of servers hand out, is a view again.
  const bytes = given.byteOffset % 4 === 0 ? given : new Uint8Array(given);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const header = readHeader(bytes, view);
  const base: BlockBase = {
    partition: header.partition,
    blockTime: header.blockTime,
    writerId: header.writerId,
    sequence: header.sequence,
    crc: view.getUint32(bytes.length - CRC_BYTES, true),
  };
  if (header.kind === KIND_EVENTS) return readEvents(bytes, header, base);
  const plain = header.flags === 0 && header.keyCount === 0;
  if (!plain || bytes.length !== HEADER_BYTES + padded(header.bodyLength) + CRC_BYTES) {
    throw invalid("The block's length does not fit its header.");
  }
  if (header.kind === KIND_TIME_MARK) return { ...base, kind: 'time-mark' };
  const payload = bytes.subarray(HEADER_BYTES, HEADER_BYTES + header.bodyLength);
  if (header.kind === KIND_CONTROL) return { ...base, kind: 'control', payload };
  if (header.kind === KIND_PULSES) return { ...base, kind: 'pulses', count: header.count, payload };
  if (header.kind === KIND_USAGE) return { ...base, kind: 'usage', count: header.count, payload };
  throw invalid(`A block of kind ${header.kind} is not known here.`);
}
