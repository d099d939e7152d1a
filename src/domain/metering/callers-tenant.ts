/** The tenant that a caller's key belongs to, in the bytes that pulses are compared with and completed by. */
import { TENANT_BYTES_MAX } from './pulse.ts';
import { TextReader } from './pulse-text.ts';

/** A tenant that an API key belongs to, as often as it calls. */
export interface CallersTenant {
  /** UTF-8. */
  readonly bytes: Uint8Array;
  readonly hash: number;
}

/** @throws RangeError: no tenant that a pulse could have. */
export function callersTenant(tenant: string): CallersTenant {
  const bytes = new TextEncoder().encode(tenant);
  if (bytes.length === 0 || bytes.length > TENANT_BYTES_MAX) {
    throw new RangeError(`A tenant has ${bytes.length} bytes, not 1-${TENANT_BYTES_MAX}.`);
  }
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  return { bytes, hash: new TextReader().read(bytes, view, 0, bytes.length) };
}
