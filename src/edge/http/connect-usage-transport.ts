/** Usage straight to the rating service by the Connect protocol, where only plain HTTP gets through. */
import { ApuraError } from '../../domain/errors.ts';
import { encodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { PROTO } from './connect-call.ts';
import { CONNECT_USAGE_PATH } from './connect-usage-route.ts';

export interface ConnectUsageTransportOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** The operators' token: usage is not taken from anybody else. */
  readonly token: string;
  /** PEM of the authorities to believe; null: the system's. */
  readonly authorities: Uint8Array | null;
}

/** How long rating may take for one call, ms; then it is not known whether it has taken the records. */
const CALL_MS_MAX = 10_000;
/** Of an answer that is no success, for the words of the error, characters. */
const WORDS_MAX = 300;

/** Sending throws `rating_unavailable` where the service did not say that it has the records. */
export function openConnectUsageTransport(options: ConnectUsageTransportOptions): UsageTransport {
  const { url, token, authorities } = options;
  const closed = new AbortController();
  const call = async (body: Uint8Array): Promise<string | null> => {
    const response = await fetch(`${url}${CONNECT_USAGE_PATH}`, {
      method: 'POST',
      headers: {
        'content-type': PROTO,
        'connect-protocol-version': '1',
        authorization: `Bearer ${token}`,
      },
      body: body as Uint8Array<ArrayBuffer>,
      redirect: 'error',
      signal: AbortSignal.any([closed.signal, AbortSignal.timeout(CALL_MS_MAX)]),
      ...(authorities === null ? {} : { tls: { ca: Buffer.from(authorities) } }),
    });
    const words = await response.text();
    // A page of somebody else's server at that address is no answer.
    const isOk = response.status === 200 && response.headers.get('content-type') === PROTO;
    return isOk ? null : `${response.status} ${words.slice(0, WORDS_MAX)}`;
  };
  return {
    async send(records) {
      const failed = (why: string, cause?: unknown): ApuraError => {
        const words = `The rating service at ${url} did not take the usage: ${why}`;
        return new ApuraError('rating_unavailable', words, { cause });
      };
      let refused: string | null;
      try {
        refused = await call(encodeUsageRecords(records));
      } catch (cause) {
        throw failed(cause instanceof Error ? cause.message : String(cause), cause);
      }
      if (refused !== null) throw failed(refused);
    },
    async [Symbol.asyncDispose]() {
      closed.abort();
    },
  };
}
