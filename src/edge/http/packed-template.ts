/**
 * A text with one place to fill in, packed once: each reader's copy costs a checksum, not a compression.
 *
 * What stands before the place ends in a full flush and what stands after it starts from nothing, so
 * neither refers to anything across it, and the filling goes between them as a block that is stored
 * as it is (RFC 1951, 3.2.4). Around them stands one gzip member (RFC 1952).
 */
import { constants, crc32, deflateRawSync } from 'node:zlib';

export interface PackedTemplate {
  plain(filling: string): string;
  /** The same in gzip. The filling has at most FILLING_BYTES_MAX bytes. */
  packed(filling: string): Uint8Array<ArrayBuffer>;
}

/** A stored block gives its length in 16 bits. */
export const FILLING_BYTES_MAX = 0xffff;

/** Deflate, no flags, no time, no extra flags, an unknown file system. */
const MEMBER_HEAD = Uint8Array.of(0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff);
const STORED_HEAD_BYTES = 5;
const TRAILER_BYTES = 8;

export function createPackedTemplate(before: string, after: string): PackedTemplate {
  const start = Buffer.from(before);
  const end = Buffer.from(after);
  const packedStart = deflateRawSync(start, { finishFlush: constants.Z_FULL_FLUSH });
  const packedEnd = deflateRawSync(end);
  const startCrc = crc32(start);
  return {
    plain: (filling) => before + filling + after,
    packed(filling) {
      const bytes = Buffer.from(filling);
      const storedHead = Buffer.alloc(STORED_HEAD_BYTES);
      storedHead.writeUInt16LE(bytes.length, 1);
      storedHead.writeUInt16LE(bytes.length ^ FILLING_BYTES_MAX, 3);
      const trailer = Buffer.alloc(TRAILER_BYTES);
      trailer.writeUInt32LE(crc32(end, crc32(bytes, startCrc)));
      trailer.writeUInt32LE(start.length + bytes.length + end.length, 4);
      const parts = [MEMBER_HEAD, packedStart, storedHead, bytes, packedEnd, trailer];
      return Uint8Array.from(Buffer.concat(parts));
    },
  };
}
