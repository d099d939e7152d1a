/** UsageService over gRPC: how usage reaches rating without a broker. */
import { ApuraError } from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { decodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import { callStatus } from './call-status.ts';
import { type RawUnary, rawMethod } from './raw-method.ts';

export const USAGE_SERVICE = 'apura.metering.v1.UsageService';

export const USAGE_METHODS = { putUsage: rawMethod(`/${USAGE_SERVICE}/PutUsage`) };

/** When a sender of usage tries again after a failure, ms. */
const RETRY_MS = 1_000;

export interface UsageServiceDeps {
  /** Resolves once the records are durable. */
  readonly putUsage: (records: readonly UsageRecord[]) => Promise<void>;
  readonly reportFailure: (error: unknown) => void;
}

export function usageHandlers({ putUsage, reportFailure }: UsageServiceDeps): {
  readonly putUsage: RawUnary;
} {
  const put = async (bytes: Uint8Array) => {
    let records: readonly UsageRecord[];
    try {
      records = decodeUsageRecords(bytes);
    } catch (error) {
      if (!(error instanceof ApuraError)) throw error;
      const { message: detail } = error;
      return callStatus({ code: 'malformed_request', detail, retryAfterMs: null });
    }
    if (records.length === 0) {
      const detail = 'The request holds no record.';
      return callStatus({ code: 'malformed_request', detail, retryAfterMs: null });
    }
    await putUsage(records);
    return null;
  };
  return {
    putUsage(call, callback) {
      put(call.request).then(
        (failure) => (failure === null ? callback(null, new Uint8Array(0)) : callback(failure)),
        (error: unknown) => {
          reportFailure(error);
          const code = error instanceof ApuraError ? error.code : 'store_unavailable';
          const detail = 'The usage was not taken, or may have been: send all of it again.';
          callback(callStatus({ code, detail, retryAfterMs: RETRY_MS }));
        },
      );
    },
  };
}
