/** The few frames of HTTP/2 that a generator of gRPC calls writes (RFC 9113), and texts of their headers. */

export const FRAME = {
  data: 0,
  headers: 1,
  rstStream: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
} as const;
export const FLAG = { ack: 1, endStream: 1, endHeaders: 4 } as const;

const HEAD_BYTES = 9;
/** Longer ones need more than a byte for their length (RFC 7541, section 5.1). */
const TEXT_BYTES_MAX = 126;
const NOTHING = new Uint8Array(0);

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = NOTHING,
): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + payload.length);
  bytes.writeUIntBE(payload.length, 0, 3);
  bytes.writeUInt8(type, 3);
  bytes.writeUInt8(flags, 4);
  bytes.writeUInt32BE(stream, 5);
  bytes.set(payload, HEAD_BYTES);
  return bytes;
}

/** @throws RangeError: longer than a generator needs. */
export function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text);
  if (bytes.length > TEXT_BYTES_MAX) throw new RangeError(`${bytes.length} bytes are too many.`);
  return Buffer.concat([Buffer.of(bytes.length), bytes]);
}
