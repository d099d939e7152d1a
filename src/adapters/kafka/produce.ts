/**
 * Produce on the wire: one buffer for the whole request, in which every block is written once. Every
 * partition's error is a value, because each means something else to the log.
 */
import { type Connection, type Reader, Writer } from '@platformatic/kafka';
import { batchBytes, writeBatch } from './record-batch.ts';
import { grouped, send, type TopicName } from './requests.ts';

const PRODUCE = 0;
/** The oldest with compact fields, and the first that names topics by id. */
const PRODUCE_VERSION = 9;
export const PRODUCE_BY_ID_VERSION = 13;
const ACKS_ALL = -1;
const UUID_BYTES = 16;
const VARINT_BYTES_MAX = 5;
/** No transaction, acks, timeout, count of topics, tagged fields. */
const REQUEST_BYTES_MAX = 1 + 2 + 4 + VARINT_BYTES_MAX + 1;
/** Length of the name, count of partitions, tagged fields. */
const TOPIC_BYTES_MAX = 2 * VARINT_BYTES_MAX + 1;
/** Index, length of the batch, tagged fields. */
const PARTITION_BYTES_MAX = 4 + VARINT_BYTES_MAX + 1;

export interface PartitionBlocks {
  readonly topic: TopicName;
  /** The partition's number in the topic. */
  readonly index: number;
  /** They become one batch, in this order. */
  readonly blocks: readonly Uint8Array[];
}

export interface Produced {
  /** 0 where it was appended. */
  readonly error: number;
  readonly baseOffset: number;
}

/**
 * Appends one batch a partition, acknowledged by every in-sync replica. Resolves to what became of each,
 * in the order of `batches`; undefined where the answer leaves it out. Rejects where nothing is known.
 *
 * @param byId whether the broker knows topics by id when it appends.
 */
export function produce(
  connection: Connection,
  batches: readonly PartitionBlocks[],
  byId: boolean,
  timeoutMs: number,
): Promise<readonly (Produced | undefined)[]> {
  const write = (): Writer => Writer.create().append(encodeProduce(batches, byId, timeoutMs));
  const parse = (reader: Reader) => readProduced(reader, batches, byId);
  return send(connection, PRODUCE, byId ? PRODUCE_BY_ID_VERSION : PRODUCE_VERSION, write, parse);
}

/** The request behind its header. */
export function encodeProduce(
  batches: readonly PartitionBlocks[],
  byId: boolean,
  timeoutMs: number,
): Buffer {
  const topics = grouped(batches).map(({ topic, items }) => {
    const name = byId ? Buffer.from(topic.id.replaceAll('-', ''), 'hex') : Buffer.from(topic.name);
    if (byId && name.length !== UUID_BYTES) throw new RangeError(`${topic.id} is no topic's id`);
    return { name, items: items.map((item) => ({ ...item, bytes: batchBytes(item.blocks) })) };
  });
  let room = REQUEST_BYTES_MAX;
  for (const { name, items } of topics) {
    room += name.length + TOPIC_BYTES_MAX;
    for (const { bytes } of items) room += bytes + PARTITION_BYTES_MAX;
  }
  const buffer = Buffer.allocUnsafe(room);
  let at = buffer.writeUInt8(0, 0);
  at = buffer.writeInt16BE(ACKS_ALL, at);
  at = buffer.writeInt32BE(timeoutMs, at);
  at = writeUnsignedVarint(buffer, at, topics.length + 1);
  for (const { name, items } of topics) {
    if (!byId) at = writeUnsignedVarint(buffer, at, name.length + 1);
    buffer.set(name, at);
    at = writeUnsignedVarint(buffer, at + name.length, items.length + 1);
    for (const { index, blocks, bytes } of items) {
      at = buffer.writeInt32BE(index, at);
      at = writeUnsignedVarint(buffer, at, bytes + 1);
      at = writeBatch(buffer, at, blocks);
      at = buffer.writeUInt8(0, at);
    }
    at = buffer.writeUInt8(0, at);
  }
  at = buffer.writeUInt8(0, at);
  return buffer.subarray(0, at);
}

/** Without arrays between: a busy door reads hundreds of partitions' answers a second. */
function readProduced(
  reader: Reader,
  batches: readonly PartitionBlocks[],
  byId: boolean,
): readonly (Produced | undefined)[] {
  const produced = new Array<Produced | undefined>(batches.length).fill(undefined);
  for (let topics = reader.readUnsignedVarInt() - 1; topics > 0; topics -= 1) {
    const named = byId ? reader.readUUID() : reader.readString();
    for (let left = reader.readUnsignedVarInt() - 1; left > 0; left -= 1) {
      const partition = reader.readInt32();
      const error = reader.readInt16();
      const baseOffset = Number(reader.readInt64());
      // The time of the append, and the first offset.
      reader.skip(2 * 8);
      for (let wrong = reader.readUnsignedVarInt() - 1; wrong > 0; wrong -= 1) {
        reader.readInt32();
        reader.readNullableString();
        reader.readTaggedFields();
      }
      reader.readNullableString();
      reader.readTaggedFields();
      const place = batches.findIndex(
        ({ topic, index }) => index === partition && (byId ? topic.id : topic.name) === named,
      );
      if (place >= 0) produced[place] = { error, baseOffset };
    }
    reader.readTaggedFields();
  }
  return produced;
}

function writeUnsignedVarint(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest > 0x7f) {
    buffer[at++] = (rest & 0x7f) | 0x80;
    rest >>>= 7;
  }
  buffer[at++] = rest;
  return at;
}
