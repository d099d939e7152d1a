/**
 * Fetch on the wire, and how a request of Apura's own goes out: bytes pass through as they are, and
 * every partition's error is a value, because each means something else to the log.
 */
import { type Connection, type Reader, Writer } from '@platformatic/kafka';

const FETCH = 1;
/** The first that names topics by id, so that a topic made anew is never read for the old one. */
const FETCH_VERSION = 13;
const NOT_A_REPLICA_SESSION = -1;

export interface TopicName {
  readonly name: string;
  /** As the library writes it: 32 hex digits in five groups. */
  readonly id: string;
}

export interface PartitionFetch {
  readonly topic: TopicName;
  /** The partition's number in the topic. */
  readonly index: number;
  /** Of the leader that is asked; -1 where that is not known. */
  readonly leaderEpoch: number;
  readonly offset: number;
}

export interface FetchBounds {
  /** How long the broker may wait for a first byte, ms; 0: not at all. */
  readonly waitMs: number;
  /** Of each partition; the first batch comes whole in any case. */
  readonly partitionBytesMax: number;
  readonly bytesMax: number;
}

export interface FetchedPartition {
  readonly topic: TopicName;
  /** The partition's number in the topic. */
  readonly index: number;
  readonly error: number;
  /** Batches, the last perhaps cut off. */
  readonly records: Buffer;
}

/** Fetches up to the high watermark only: what a quorum has not confirmed is never seen. */
export async function fetchPartitions(
  connection: Connection,
  partitions: readonly PartitionFetch[],
  bounds: FetchBounds,
): Promise<{ readonly error: number; readonly partitions: readonly FetchedPartition[] }> {
  const topics = grouped(partitions);
  const write = (): Writer =>
    Writer.create()
      .appendInt32(NOT_A_REPLICA_SESSION)
      .appendInt32(bounds.waitMs)
      .appendInt32(1)
      .appendInt32(bounds.bytesMax)
      // Isolation: the high watermark, not transactions.
      .appendInt8(0)
      // No incremental session: session id 0, epoch -1.
      .appendInt32(0)
      .appendInt32(-1)
      .appendArray(topics, (w, { topic, items }) => {
        w.appendUUID(topic.id).appendArray([...items], (p, { index, leaderEpoch, offset }) => {
          p.appendInt32(index)
            .appendInt32(leaderEpoch)
            .appendInt64(BigInt(offset))
            .appendInt32(-1)
            .appendInt64(-1n)
            .appendInt32(bounds.partitionBytesMax);
        });
      })
      .appendArray([], () => {})
      .appendString('')
      .appendTaggedFields();
  const parse = (reader: Reader) => {
    reader.readInt32();
    const error = reader.readInt16();
    reader.readInt32();
    const fetched = reader.readArray((r) => {
      const id = r.readUUID();
      const topic = topics.find((known) => known.topic.id === id);
      return r.readArray((p) => {
        const index = p.readInt32();
        const partitionError = p.readInt16();
        p.skip(3 * 8);
        p.readNullableArray((t) => void [t.readInt64(), t.readInt64()]);
        p.readInt32();
        const length = Math.max(0, p.readUnsignedVarInt() - 1);
        const records = p.buffer.subarray(p.position, p.position + length).buffer;
        p.skip(length);
        return topic === undefined
          ? []
          : [{ topic: topic.topic, index, error: partitionError, records }];
      });
    });
    return { error, partitions: fetched.flat(2) };
  };
  return send(connection, FETCH, FETCH_VERSION, write, parse);
}

/** Rejects where nothing is known of the answer. */
export function send<Answer>(
  connection: Connection,
  api: number,
  version: number,
  write: () => Writer,
  parse: (reader: Reader) => Answer,
): Promise<Answer> {
  const { promise, resolve, reject } = Promise.withResolvers<Answer>();
  connection.send(
    api,
    version,
    write,
    (_correlation, _api, _version, reader) => parse(reader),
    true,
    true,
    (error, answer) => {
      if (error !== null && error !== undefined) reject(error);
      else if (answer === undefined) reject(new Error('Kafka answered nothing'));
      else resolve(answer);
    },
  );
  return promise;
}

export function grouped<Item extends { readonly topic: TopicName }>(
  items: readonly Item[],
): { readonly topic: TopicName; readonly items: readonly Item[] }[] {
  const groups = new Map<string, { topic: TopicName; items: Item[] }>();
  for (const item of items) {
    const group = groups.get(item.topic.id) ?? { topic: item.topic, items: [] };
    group.items.push(item);
    groups.set(item.topic.id, group);
  }
  return [...groups.values()];
}
