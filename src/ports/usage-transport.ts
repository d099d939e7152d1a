/** The way of usage records from the aggregate role to rating: through the broker, or straight. */
import type { UsageRecord } from '../domain/metering/usage.ts';

export interface UsageTransport extends AsyncDisposable {
  /**
   * Resolves once rating holds the records, or something durable does that hands them on. Sending
   * again is harmless: records are absolute values with versions.
   *
   * @throws ApuraError `rating_unavailable`, `log_unavailable`: not taken; `append_unknown`: may have
   *   been. Send again in each case.
   */
  send(records: readonly UsageRecord[]): Promise<void>;
}

/** Records in one call at most. */
export const USAGE_RECORDS_PER_SEND_MAX = 1_000;
