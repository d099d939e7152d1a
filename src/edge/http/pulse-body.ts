/** Reads the body of a request of pulses within bounds, unpacked where it came packed. */
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';
import { type PulseRefusal, refusal } from './pulse-ingest.ts';
import { readBytes } from './request-body.ts';

const unpack = promisify(gunzip);
const decoder = new TextDecoder('utf-8', { fatal: true });

/** `bytesMax`: of the body as it came, and unpacked. */
export async function readPulseBody(
  request: Request,
  bytesMax: number,
): Promise<Uint8Array | PulseRefusal> {
  const encoding = request.headers.get('content-encoding') ?? 'identity';
  if (encoding !== 'identity' && encoding !== 'gzip') {
    return refusal('unsupported_encoding', 'Send the body as it is, or packed with gzip.');
  }
  const length = request.headers.get('content-length');
  let bytes: Uint8Array;
  if (length !== null && Number(length) <= bytesMax) {
    // The runtime reads no more than was announced, and in one piece.
    try {
      bytes = new Uint8Array(await request.arrayBuffer());
    } catch {
      return refusal('invalid_body', 'The body ended early.');
    }
  } else {
    const read = await readBytes(request, bytesMax);
    if (read.kind === 'refused') return tooLarge(bytesMax);
    bytes = read.value;
  }
  if (encoding === 'identity') return bytes;
  try {
    return await unpack(bytes, { maxOutputLength: bytesMax });
  } catch (error) {
    const isLarge =
      error instanceof Error && 'code' in error && error.code === 'ERR_BUFFER_TOO_LARGE';
    return isLarge ? tooLarge(bytesMax) : refusal('invalid_body', 'The body is not valid gzip.');
  }
}

/** The JSON that a body is, or why it is none. */
export function parsePulseJson(
  bytes: Uint8Array,
): { readonly kind: 'json'; readonly value: unknown } | PulseRefusal {
  try {
    return { kind: 'json', value: JSON.parse(decoder.decode(bytes)) };
  } catch {
    return refusal('invalid_json', 'The body is not valid JSON in UTF-8.');
  }
}

function tooLarge(bytesMax: number): PulseRefusal {
  return refusal('body_too_large', `The body may have ${bytesMax} bytes, unpacked too.`);
}
