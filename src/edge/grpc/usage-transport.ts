/** Usage straight to the rating service by gRPC, with the client's own retries behind it. */
import { Client, credentials, Metadata } from '@grpc/grpc-js';
import { ApuraError } from '../../domain/errors.ts';
import { encodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { USAGE_METHODS } from './usage-service.ts';

export interface GrpcUsageTransportOptions {
  /** `http://host:port` or `https://host:port`. */
  readonly url: string;
  /** The operators' token: usage is not taken from anybody else. */
  readonly token: string;
  /** PEM of the authorities to believe; null: the system's. */
  readonly authorities: Uint8Array | null;
}

/** How long rating may take for one call, ms; then it is not known whether it has taken the records. */
const CALL_MS_MAX = 10_000;

/** Connects when it is first used. Sending throws `rating_unavailable` where the service did not say OK. */
export function openGrpcUsageTransport(options: GrpcUsageTransportOptions): UsageTransport {
  const { host, protocol } = new URL(options.url);
  const authorities = options.authorities === null ? null : Buffer.from(options.authorities);
  const client = new Client(
    host,
    protocol === 'https:' ? credentials.createSsl(authorities) : credentials.createInsecure(),
  );
  const { path, requestSerialize, responseDeserialize } = USAGE_METHODS.putUsage;
  const metadata = new Metadata();
  metadata.set('authorization', `Bearer ${options.token}`);
  return {
    send(records) {
      const bytes = Buffer.from(encodeUsageRecords(records));
      const deadline = Date.now() + CALL_MS_MAX;
      return new Promise((resolve, reject) => {
        client.makeUnaryRequest(
          path,
          requestSerialize,
          responseDeserialize,
          bytes,
          metadata,
          { deadline },
          (cause) => {
            if (cause === null) return resolve();
            const words = `The rating service at ${options.url} did not take the usage: ${cause.details}`;
            reject(new ApuraError('rating_unavailable', words, { cause }));
          },
        );
      });
    },
    async [Symbol.asyncDispose]() {
      client.close();
    },
  };
}
