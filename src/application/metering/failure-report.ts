/** What a consumer of a log reports of bytes that it can not process. */
import {
  type DeadLetterQueue,
  type DeadLetterReport,
  deadLetterId,
  type Sha256,
} from '../../domain/metering/dead-letter.ts';
import type { Clock } from '../../ports/clock.ts';

/** Where the consumer reads, and what it needs to report. */
export interface FailureReporter {
  readonly logId: string;
  readonly partition: number;
  readonly clock: Pick<Clock, 'now'>;
  readonly sha256: Sha256;
}

export interface FailedBytes {
  readonly bytes: Uint8Array;
  readonly offset: number;
  /** Place in the block; null for a block as a whole. */
  readonly index: number | null;
  readonly tenant: string | null;
}

export function failureReport(
  { logId, partition, clock, sha256 }: FailureReporter,
  queue: DeadLetterQueue,
  { bytes: read, offset, index, tenant }: FailedBytes,
  { code, message }: { readonly code: string; readonly message: string },
): DeadLetterReport {
  // A copy: the bytes lie in a block of which nothing else is to be held on to.
  const bytes = read.slice();
  return {
    id: deadLetterId(queue, bytes, sha256),
    queue,
    bytes,
    origin: { logId, partition, offset, index },
    tenant,
    code,
    message,
    failedAt: clock.now(),
  };
}
