import { describe, expect, test } from 'bun:test';
import { type Connection, Reader, Writer } from '@platformatic/kafka';
import { encodeProduce, type PartitionBlocks, type Produced, produce } from './produce.ts';
import { decodeBatches } from './record-batch.ts';

const EVENTS = { name: 'log', id: '00112233-4455-6677-8899-aabbccddeeff' };
const CONTROL = { name: 'log-control', id: 'ffeeddcc-bbaa-9988-7766-554433221100' };
const WANTED: readonly PartitionBlocks[] = [
  { topic: EVENTS, index: 3, blocks: [Uint8Array.of(1, 2), new Uint8Array(200).fill(7)] },
  { topic: CONTROL, index: 0, blocks: [Uint8Array.of(3)] },
  { topic: EVENTS, index: 300, blocks: [new Uint8Array()] },
];

/** The request as the library's reader takes it apart. */
function readRequest(bytes: Buffer, byId: boolean) {
  const reader = Reader.from(bytes);
  const head = [reader.readNullableString(), reader.readInt16(), reader.readInt32()];
  const topics = reader.readArray((r) => {
    const topic = byId ? r.readUUID() : r.readString();
    const partitions = r.readArray((p) => {
      const index = p.readInt32();
      const length = p.readUnsignedVarInt() - 1;
      const batch = Buffer.from(bytes.subarray(p.position, p.position + length));
      p.skip(length);
      const blocks = decodeBatches(batch, 0, Number.MAX_SAFE_INTEGER);
      return { index, blocks: blocks.map((block) => [...block.bytes]) };
    });
    return { topic, partitions };
  });
  reader.readTaggedFields();
  expect(reader.position).toBe(bytes.length);
  return { head, topics };
}

/** A connection whose broker gives this answer. */
function answering(answer: Writer): Connection {
  const send: Connection['send'] = (_api, _version, write, parse, _inTags, _outTags, callback) => {
    write();
    const parsed = Promise.resolve(parse(1, 0, 13, Reader.from(answer.buffer)));
    void parsed.then((value) => callback(null, value));
  };
  return { send } as Connection;
}

function answerWith(topics: readonly [string, readonly (readonly [number, Produced])[]][]): Writer {
  return Writer.create()
    .appendArray([...topics], (w, [id, partitions]) => {
      w.appendUUID(id).appendArray([...partitions], (p, [index, { error, baseOffset }]) => {
        p.appendInt32(index).appendInt16(error).appendInt64(BigInt(baseOffset));
        p.appendInt64(-1n).appendInt64(0n);
        p.appendArray([7], (e, record) => void e.appendInt32(record).appendString('why'));
        p.appendString(null);
      });
    })
    .appendInt32(0)
    .appendTaggedFields();
}

describe('a request to append', () => {
  test.each([
    ['by their ids', true],
    ['by their names', false],
  ])('names topics %s, and carries every block in its place', (_, byId) => {
    const { head, topics } = readRequest(encodeProduce(WANTED, byId, 4_000), byId);
    expect(head).toEqual([null, -1, 4_000]);
    const of = (at: number) => {
      const { index = 0, blocks = [] } = WANTED[at] ?? {};
      return { index, blocks: blocks.map((block) => [...block]) };
    };
    expect(topics).toEqual([
      { topic: byId ? EVENTS.id : EVENTS.name, partitions: [of(0), of(2)] },
      { topic: byId ? CONTROL.id : CONTROL.name, partitions: [of(1)] },
    ]);
  });

  test('is answered partition by partition, in whatever order and with whatever left out', async () => {
    const appended = { error: 0, baseOffset: 2 ** 40 };
    const refused = { error: 10, baseOffset: -1 };
    const answer = answerWith([
      [
        EVENTS.id,
        [
          [300, refused],
          [3, appended],
          [4, refused],
        ],
      ],
      [CONTROL.id, [[3, refused]]],
    ]);
    const produced = await produce(answering(answer), WANTED, true, 4_000);
    expect(produced).toEqual([appended, undefined, refused]);
  });
});
