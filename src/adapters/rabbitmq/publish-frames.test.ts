import { expect, test } from 'bun:test';
import { createRequire } from 'node:module';
import fc from 'fast-check';
import { encodePublish } from './publish-frames.ts';

type Fields = Readonly<Record<string, unknown>>;

// Its own files: the package does not offer them by name.
const ofAmqplib = createRequire(import.meta.resolve('amqplib'));
const defs: {
  readonly BasicPublish: number;
  readonly BasicProperties: number;
  encodeMethod(id: number, channel: number, fields: Fields): Buffer;
  encodeProperties(id: number, channel: number, size: number, fields: Fields): Buffer;
} = ofAmqplib('./lib/defs.js');
const frame: {
  makeBodyFrame(channel: number, payload: Buffer): Buffer;
} = ofAmqplib('./lib/frame.js');

const OVERHEAD = 8;

test('messages stand as amqplib writes them, one behind the other, bodies cut to frames', () => {
  const message = fc.record({
    queue: fc.string({ unit: 'grapheme', maxLength: 20 }),
    id: fc.string({ maxLength: 60, size: 'max' }),
    bytes: fc.uint8Array({ maxLength: 400, size: 'max' }),
  });
  const cases = [fc.nat(0xffff), fc.integer({ min: 9, max: 300 }), fc.array(message)] as const;
  fc.assert(
    fc.property(...cases, (channel, frameBytesMax, messages) => {
      const theirs = messages.flatMap(({ queue, id, bytes }) => {
        const method = { exchange: '', routingKey: queue, mandatory: true };
        const properties = { deliveryMode: 2, messageId: id };
        const bodies: Buffer[] = [];
        for (let at = 0; at < bytes.length; at += frameBytesMax - OVERHEAD) {
          const part = bytes.subarray(at, at + frameBytesMax - OVERHEAD);
          bodies.push(frame.makeBodyFrame(channel, Buffer.from(part)));
        }
        return [
          defs.encodeMethod(defs.BasicPublish, channel, method),
          defs.encodeProperties(defs.BasicProperties, channel, bytes.length, properties),
          ...bodies,
        ];
      });
      expect(encodePublish(channel, frameBytesMax, messages)).toEqual(Buffer.concat(theirs));
    }),
  );
});

test('a name that AMQP can not carry is refused, not cut off', () => {
  const bytes = new Uint8Array();
  const long = 'x'.repeat(256);
  expect(() => encodePublish(1, 4_096, [{ queue: long, id: '', bytes }])).toThrow(RangeError);
  expect(() => encodePublish(1, 4_096, [{ queue: '', id: long, bytes }])).toThrow(RangeError);
  const fits = { queue: long.slice(1), id: long.slice(1), bytes };
  expect(encodePublish(1, 4_096, [fits]).length).toBeGreaterThan(2 * 255);
});
