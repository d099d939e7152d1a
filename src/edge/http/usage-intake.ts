/** What every way of usage to rating does alike: reads the records, hands them on, says what went wrong. */
import type { ErrorCode } from '../../domain/error-codes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { decodeUsageRecords } from '../../domain/metering/usage-wire.ts';
import { refusal } from './pulse-ingest.ts';

export const USAGE_SERVICE = 'apura.metering.v1.UsageService';

/** For a caller who is not one. */
export const OPERATORS_ONLY = refusal('forbidden', 'This method is for operators.');

/** When a sender of usage tries again after a failure, ms. */
const RETRY_MS = 1_000;

export interface UsageIntakeDeps {
  /** Resolves once the records are durable. */
  readonly putUsage: (records: readonly UsageRecord[]) => Promise<void>;
  readonly reportFailure: (error: unknown) => void;
}

export interface UsageFailure {
  readonly code: ErrorCode;
  readonly detail: string;
  /** When to send the same again, ms; null where it would come to the same. */
  readonly retryAfterMs: number | null;
}

/** Takes a PutUsageRequest. Null: all of it is durable. Never rejects. */
export type UsageIntake = (request: Uint8Array) => Promise<UsageFailure | null>;

export function usageIntake({ putUsage, reportFailure }: UsageIntakeDeps): UsageIntake {
  return async (request) => {
    let records: readonly UsageRecord[];
    try {
      records = decodeUsageRecords(request);
    } catch (error) {
      if (!(error instanceof ApuraError)) throw error;
      return malformed(error.message);
    }
    if (records.length === 0) return malformed('The request holds no record.');
    try {
      await putUsage(records);
      return null;
    } catch (error) {
      reportFailure(error);
      const code = error instanceof ApuraError ? error.code : 'store_unavailable';
      const detail = 'The usage was not taken, or may have been: send all of it again.';
      return { code, detail, retryAfterMs: RETRY_MS };
    }
  };
}

function malformed(detail: string): UsageFailure {
  return { code: 'malformed_request', detail, retryAfterMs: null };
}
