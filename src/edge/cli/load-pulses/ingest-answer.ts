/** Reads what an IngestResponse says of each pulse. */
import { pastField } from '../../../domain/metering/pulse-reader.ts';
import { VarintReader } from '../../../domain/metering/wire-varint.ts';

const TAG_RESULTS = 0x0a;
const TAG_STATUS = 0x08;
const TAG_CODE = 0x12;
const ACCEPTED = 1;
const REJECTED = 2;
const NO_CODE = 'no_code';

const decoder = new TextDecoder();

/**
 * The codes of the rejected pulses by their places in the request; null where the bytes are no answer to
 * a request of `count` pulses.
 */
export function readIngestAnswer(
  bytes: Uint8Array,
  count: number,
): ReadonlyMap<number, string> | null {
  const varint = new VarintReader();
  const rejections = new Map<number, string>();
  let results = 0;
  let at = 0;
  while (at < bytes.length) {
    if (!varint.read(bytes, at, bytes.length)) return null;
    const tag = varint.value;
    at = varint.next;
    if (tag !== TAG_RESULTS) {
      at = pastField(varint, bytes, at, bytes.length, tag);
      if (at < 0) return null;
      continue;
    }
    if (!varint.read(bytes, at, bytes.length)) return null;
    const start = varint.next;
    at = start + varint.value;
    if (at > bytes.length) return null;
    const code = readResult(varint, bytes, start, at);
    if (code === null) return null;
    if (code !== '') rejections.set(results, code);
    results += 1;
  }
  return results === count ? rejections : null;
}

/** Empty where the pulse was accepted; null where the bytes are no PulseResult. */
function readResult(
  varint: VarintReader,
  bytes: Uint8Array,
  start: number,
  end: number,
): string | null {
  let status = 0;
  let code = NO_CODE;
  let at = start;
  while (at < end) {
    if (!varint.read(bytes, at, end)) return null;
    const tag = varint.value;
    at = varint.next;
    if (tag === TAG_STATUS) {
      if (!varint.read(bytes, at, end)) return null;
      status = varint.value;
      at = varint.next;
    } else if (tag === TAG_CODE) {
      if (!varint.read(bytes, at, end)) return null;
      at = varint.next + varint.value;
      if (at > end) return null;
      code = decoder.decode(bytes.subarray(varint.next, at));
    } else {
      at = pastField(varint, bytes, at, end, tag);
      if (at < 0) return null;
    }
  }
  if (status === ACCEPTED) return '';
  return status === REJECTED ? code : null;
}
