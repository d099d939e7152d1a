/**
 * The chunk: how events lie in the archive. A row holds many events, because a row each takes a hundred
 * times as long (1,300 events/s against 270,000/s on one small node). A chunk holds those of one block
 * that occurred in one hour, in their order, or a part of them where they are many.
 *
 * Little-endian:
 *
 *   0  u8  version, 1 (three bytes of zero behind)
 *   4  u32 count of events
 *   8  each: place in the block u32, ms behind the hour u32, received at f64, length u32, key, digest
 *   …  the events' bytes, one behind the other
 *  -4  u32 CRC32C of everything before it
 */
import { crc32c } from '../../domain/counting/crc32c.ts';
import { HOUR_MS } from '../../domain/counting/time-window.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { ArchiveColumns } from '../../ports/archive.ts';

const VERSION = 1;
const HEADER_BYTES = 8;
const HASH_BYTES = 16;
const ENTRY_BYTES = 20 + 2 * HASH_BYTES;
const CRC_BYTES = 4;
/** From 128 KiB on larger rows are hardly faster, and a row must be held whole by server and client. */
export const CHUNK_BYTES_MAX = 128 << 10;

export interface Chunk {
  /** Whole hours since the Unix epoch. */
  readonly hour: number;
  readonly offset: number;
  /** The place in the block of the chunk's first event. */
  readonly first: number;
  readonly content: Buffer;
}

export interface ChunkedEvent {
  /** Its place in the block. */
  readonly index: number;
  readonly occurredAt: number;
  readonly receivedAt: number;
  /** 32 hex digits each. */
  readonly key: string;
  readonly digest: string;
  readonly bytes: Uint8Array;
}

/** Events of one chunk, by their places in the columns and in their block. */
interface Members {
  readonly hour: number;
  readonly offset: number;
  readonly at: number[];
  readonly index: number[];
  bytes: number;
}

/** Whole blocks as chunks: a function of the blocks alone, however many of them come together. */
export function chunksOf(events: ArchiveColumns): readonly Chunk[] {
  const chunks: Chunk[] = [];
  let open = new Map<number, Members>();
  let index = 0;
  for (let at = 0; at < events.count; at += 1) {
    const offset = events.offset[at] as number;
    if (at > 0 && events.offset[at - 1] !== offset) {
      for (const members of open.values()) chunks.push(chunkOf(events, members));
      open = new Map();
      index = 0;
    }
    const hour = Math.floor((events.occurredAt[at] as number) / HOUR_MS);
    const bytes = ENTRY_BYTES + (events.end[at] as number) - (events.start[at] as number);
    let members = open.get(hour);
    if (members !== undefined && members.bytes + bytes > CHUNK_BYTES_MAX) {
      chunks.push(chunkOf(events, members));
      members = undefined;
    }
    if (members === undefined) {
      members = { hour, offset, at: [], index: [], bytes: HEADER_BYTES + CRC_BYTES };
      open.set(hour, members);
    }
    members.at.push(at);
    members.index.push(index);
    members.bytes += bytes;
    index += 1;
  }
  for (const members of open.values()) chunks.push(chunkOf(events, members));
  return chunks;
}

function chunkOf(events: ArchiveColumns, members: Members): Chunk {
  const { hour, offset, at: places, index } = members;
  const content = Buffer.alloc(members.bytes);
  const view = new DataView(content.buffer, content.byteOffset, content.length);
  view.setUint8(0, VERSION);
  view.setUint32(4, places.length, true);
  let entry = HEADER_BYTES;
  let to = HEADER_BYTES + places.length * ENTRY_BYTES;
  for (const [n, at] of places.entries()) {
    const bytes = events.bytes.subarray(events.start[at], events.end[at]);
    view.setUint32(entry, index[n] as number, true);
    view.setUint32(entry + 4, (events.occurredAt[at] as number) - hour * HOUR_MS, true);
    view.setFloat64(entry + 8, events.receivedAt[at] as number, true);
    view.setUint32(entry + 16, bytes.length, true);
    content.set(hashAt(events.keys, at), entry + 20);
    content.set(hashAt(events.digests, at), entry + 20 + HASH_BYTES);
    content.set(bytes, to);
    entry += ENTRY_BYTES;
    to += bytes.length;
  }
  view.setUint32(to, crc32c(content, 0, to), true);
  return { hour, offset, first: index[0] as number, content };
}

function hashAt(hashes: Uint8Array, at: number): Uint8Array {
  return hashes.subarray(HASH_BYTES * at, HASH_BYTES * (at + 1));
}

/** @throws ApuraError `store_corrupt`: the bytes are no chunk, or not as they were written. */
export function decodeChunk(hour: number, content: Buffer): readonly ChunkedEvent[] {
  const end = content.length - CRC_BYTES;
  if (end < HEADER_BYTES || content.readUInt32LE(end) !== crc32c(content, 0, end)) {
    throw corrupt('its bytes do not fit their CRC32C');
  }
  if (content[0] !== VERSION) throw corrupt(`it is of version ${content[0]}`);
  const count = content.readUInt32LE(4);
  let at = HEADER_BYTES + count * ENTRY_BYTES;
  const events = Array.from({ length: at <= end ? count : 0 }, (_, n): ChunkedEvent => {
    const entry = HEADER_BYTES + n * ENTRY_BYTES;
    const start = at;
    at += content.readUInt32LE(entry + 16);
    return {
      index: content.readUInt32LE(entry),
      occurredAt: hour * HOUR_MS + content.readUInt32LE(entry + 4),
      receivedAt: content.readDoubleLE(entry + 8),
      key: content.toString('hex', entry + 20, entry + 20 + HASH_BYTES),
      digest: content.toString('hex', entry + 20 + HASH_BYTES, entry + ENTRY_BYTES),
      bytes: content.subarray(start, at),
    };
  });
  if (at !== end) throw corrupt('its lengths do not fit');
  return events;
}

function corrupt(why: string): ApuraError {
  return new ApuraError('store_corrupt', `A chunk of the archive is damaged: ${why}.`);
}
