/**
 * Messages as AMQP 0-9-1 frames, all of a call in one buffer: amqplib hands every message to the socket
 * by itself, so that a flush of twelve blocks takes twelve calls of the kernel and wakes RabbitMQ as often.
 */
import type { ConfirmChannel } from 'amqplib';

/** A persistent and mandatory message for a queue, by the default exchange. */
export interface Message {
  readonly queue: string;
  readonly id: string;
  readonly bytes: Uint8Array;
}

/** What of amqplib's channel writes frames and awaits confirmations, which its types do not tell. */
export interface PublishingChannel {
  readonly number: number;
  readonly frameBytesMax: number;
  /** @throws when the channel is closed. */
  write(bytes: Buffer): void;
  /** Once for each message, in the order of the messages; called back with null where it is confirmed. */
  awaitConfirm(confirmed: (failure: unknown) => void): void;
}

const METHOD = 1;
const HEADER = 2;
const BODY = 3;
const FRAME_END = 0xce;
/** Type, channel and size before the payload, and the end behind it. */
const FRAME_OVERHEAD_BYTES = 8;
const BASIC = 60;
const PUBLISH = 40;
/** Of Basic.publish's bits: mandatory 1, immediate 2. */
const MANDATORY = 1;
/** Of the properties that may be there: a delivery mode, and a message id. */
const DELIVERY_MODE_AND_ID = 0x1080;
const PERSISTENT = 2;
/** Class, method, ticket, no exchange, the length of the routing key, bits. */
const PUBLISH_BYTES = 2 + 2 + 2 + 1 + 1 + 1;
/** Class, weight, size of the body, flags, delivery mode, the length of the id. */
const PROPERTIES_BYTES = 2 + 2 + 8 + 2 + 1 + 1;
const SHORT_STRING_BYTES_MAX = 255;

/** @throws Error where amqplib is not made as it was when this was written. */
export function publishingChannel(channel: ConfirmChannel): PublishingChannel {
  const { ch, connection, pushConfirmCallback } = channel as Partial<Internals>;
  if (typeof ch !== 'number' || typeof pushConfirmCallback !== 'function') throw otherMake();
  const { channels, frameMax } = connection ?? {};
  if (channels?.[ch]?.buffer === undefined || frameMax === undefined) throw otherMake();
  return {
    number: ch,
    frameBytesMax: frameMax,
    write(bytes) {
      const open = channels[ch];
      if (open?.channel !== channel) throw new Error('The channel is closed');
      open.buffer.write(bytes);
    },
    awaitConfirm: (confirmed) => pushConfirmCallback.call(channel, confirmed),
  };
}

interface Internals {
  readonly ch: number;
  readonly connection: {
    readonly frameMax?: number;
    readonly channels?: Readonly<
      Record<number, { readonly channel: unknown; readonly buffer: NodeJS.WritableStream } | null>
    >;
  };
  pushConfirmCallback(confirmed: (failure: unknown) => void): void;
}

function otherMake(): Error {
  return new Error('amqplib does not show where a channel writes its frames');
}

/** @throws RangeError where a queue or an id is too long for AMQP. */
export function encodePublish(
  channel: number,
  frameBytesMax: number,
  messages: readonly Message[],
): Buffer {
  const bodyBytesMax = frameBytesMax - FRAME_OVERHEAD_BYTES;
  let room = 0;
  for (const { queue, id, bytes } of messages) {
    const frames = 2 + Math.ceil(bytes.length / bodyBytesMax);
    room += frames * FRAME_OVERHEAD_BYTES + PUBLISH_BYTES + PROPERTIES_BYTES;
    room += shortBytes(queue) + shortBytes(id) + bytes.length;
  }
  const buffer = Buffer.allocUnsafe(room);
  let at = 0;
  for (const { queue, id, bytes } of messages) {
    at = beginFrame(buffer, at, METHOD, channel, PUBLISH_BYTES + shortBytes(queue));
    at = buffer.writeUInt16BE(BASIC, at);
    at = buffer.writeUInt16BE(PUBLISH, at);
    at = buffer.writeUInt16BE(0, at);
    at = buffer.writeUInt8(0, at);
    at = writeShort(buffer, at, queue);
    at = buffer.writeUInt8(MANDATORY, at);
    at = buffer.writeUInt8(FRAME_END, at);
    at = beginFrame(buffer, at, HEADER, channel, PROPERTIES_BYTES + shortBytes(id));
    at = buffer.writeUInt16BE(BASIC, at);
    at = buffer.writeUInt16BE(0, at);
    // The upper half of the body's size.
    at = buffer.writeUInt32BE(0, at);
    at = buffer.writeUInt32BE(bytes.length, at);
    at = buffer.writeUInt16BE(DELIVERY_MODE_AND_ID, at);
    at = buffer.writeUInt8(PERSISTENT, at);
    at = writeShort(buffer, at, id);
    at = buffer.writeUInt8(FRAME_END, at);
    for (let from = 0; from < bytes.length; from += bodyBytesMax) {
      const part = bytes.subarray(from, from + bodyBytesMax);
      at = beginFrame(buffer, at, BODY, channel, part.length);
      buffer.set(part, at);
      at = buffer.writeUInt8(FRAME_END, at + part.length);
    }
  }
  return buffer;
}

function beginFrame(
  buffer: Buffer,
  start: number,
  type: number,
  channel: number,
  payloadBytes: number,
): number {
  const at = buffer.writeUInt16BE(channel, buffer.writeUInt8(type, start));
  return buffer.writeUInt32BE(payloadBytes, at);
}

function shortBytes(text: string): number {
  const bytes = Buffer.byteLength(text);
  if (bytes > SHORT_STRING_BYTES_MAX) throw new RangeError(`${text} is too long for AMQP`);
  return bytes;
}

function writeShort(buffer: Buffer, start: number, text: string): number {
  const written = buffer.write(text, start + 1);
  buffer.writeUInt8(written, start);
  return start + 1 + written;
}
