/**
 * What members of a Kafka group tell each other: who had which partitions, and who gets which. In the
 * consumer protocol's own format, so that an operator's tools show who works on what.
 */
import { Writer } from '@platformatic/kafka';

/** The oldest that carries what a member had. */
const VERSION = 1;

export interface GroupMember {
  readonly id: string;
  /** What it worked on last, and would rather keep: taking a partition over costs a re-read. */
  readonly had: readonly number[];
}

/**
 * Every partition to one member, to each as many as to the others or one more; who had one keeps it
 * as far as that allows.
 */
export function shareOut(
  members: readonly GroupMember[],
  partitions: number,
): ReadonlyMap<string, readonly number[]> {
  const ordered = members.toSorted((a, b) => b.had.length - a.had.length || (a.id < b.id ? -1 : 1));
  const free = new Set(Array.from({ length: partitions }, (_, partition) => partition));
  const least = Math.floor(partitions / Math.max(1, ordered.length));
  const larger = partitions - least * ordered.length;
  // Who had most is asked first, and so may keep one more.
  const shares = ordered.map(({ id, had }, place) => {
    const quota = place < larger ? least + 1 : least;
    const kept = [...new Set(had)].filter((partition) => free.has(partition)).slice(0, quota);
    for (const partition of kept) free.delete(partition);
    return { id, quota, share: kept };
  });
  const rest = [...free];
  for (const { quota, share } of shares) share.push(...rest.splice(0, quota - share.length));
  return new Map(shares.map(({ id, share }) => [id, share.toSorted((a, b) => a - b)]));
}

/** What a member says of itself when it joins. */
export function encodeSubscription(topic: string, had: readonly number[]): Buffer {
  return Writer.create()
    .appendInt16(VERSION)
    .appendArray([topic], (w, name) => void w.appendString(name, false), false, false)
    .appendInt32(-1)
    .appendArray([had], (w, list) => void appendPartitions(w, topic, list), false, false).buffer;
}

/** What a member had; nothing where the bytes are not of this protocol. */
export function decodeSubscription(bytes: Buffer): readonly number[] {
  try {
    let at = 6;
    for (let topics = bytes.readInt32BE(2); topics > 0; topics -= 1) {
      at += 2 + bytes.readInt16BE(at);
    }
    at += 4 + Math.max(0, bytes.readInt32BE(at));
    return readPartitions(bytes, at);
  } catch {
    return [];
  }
}

/** What the leader of a group gives a member. */
export function encodeAssignment(topic: string, partitions: readonly number[]): Buffer {
  return Writer.create()
    .appendInt16(VERSION)
    .appendArray([partitions], (w, list) => void appendPartitions(w, topic, list), false, false)
    .appendInt32(-1).buffer;
}

/** @throws RangeError when the bytes are cut off. */
export function decodeAssignment(bytes: Buffer): readonly number[] {
  return bytes.length === 0 ? [] : readPartitions(bytes, 2);
}

function appendPartitions(writer: Writer, topic: string, partitions: readonly number[]): void {
  writer
    .appendString(topic, false)
    .appendArray([...partitions], (w, partition) => void w.appendInt32(partition), false, false);
}

/** Of all topics together: there is one. */
function readPartitions(bytes: Buffer, start: number): readonly number[] {
  const partitions: number[] = [];
  let at = start + 4;
  for (let topics = bytes.readInt32BE(start); topics > 0; topics -= 1) {
    at += 2 + bytes.readInt16BE(at);
    const count = bytes.readInt32BE(at);
    at += 4;
    for (let left = count; left > 0; left -= 1) {
      partitions.push(bytes.readInt32BE(at));
      at += 4;
    }
  }
  return partitions;
}
