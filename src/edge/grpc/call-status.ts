/** How failures of Apura look in gRPC: a status, the stable code in a trailer, and when to try again. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { Metadata, status } from '@grpc/grpc-js';
import type { ErrorCode } from '../../domain/error-codes.ts';
import type { PulseRefusal } from '../http/pulse-ingest.ts';
import { retryInfo } from '../http/pulse-retry-info.ts';

export const CODE_TRAILER = 'apura-code';

export interface CallFailure {
  readonly code: ErrorCode;
  readonly detail: string;
  readonly retryAfterMs: number | null;
}

export interface CallStatus {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
}

/** What is not here is UNAVAILABLE: unknown, and to be sent again. */
const STATUSES: Partial<Record<ErrorCode, status>> = {
  malformed_request: status.INVALID_ARGUMENT,
  no_pulses: status.INVALID_ARGUMENT,
  too_many_pulses: status.INVALID_ARGUMENT,
  unauthorized: status.UNAUTHENTICATED,
  forbidden: status.PERMISSION_DENIED,
  backfill_forbidden: status.PERMISSION_DENIED,
  too_many_attempts: status.RESOURCE_EXHAUSTED,
  overloaded: status.RESOURCE_EXHAUSTED,
  not_found: status.NOT_FOUND,
  internal: status.INTERNAL,
};

function grpcCodeOf(code: ErrorCode): status {
  return STATUSES[code] ?? status.UNAVAILABLE;
}

export function callStatus({ code, detail, retryAfterMs }: CallFailure | PulseRefusal): CallStatus {
  const metadata = new Metadata();
  metadata.set(CODE_TRAILER, code);
  const grpcCode = grpcCodeOf(code);
  if (retryAfterMs !== null) {
    // For clients that retry by themselves (gRFC A6), and for those that read google.rpc.RetryInfo.
    metadata.set('grpc-retry-pushback-ms', String(Math.ceil(retryAfterMs)));
    const details = rpcStatus(grpcCode, detail, retryAfterMs);
    metadata.set('grpc-status-details-bin', Buffer.from(details));
  }
  return { code: grpcCode, details: detail, metadata };
}

/** `google.rpc.Status` with a RetryInfo. */
function rpcStatus(code: number, message: string, retryAfterMs: number): Uint8Array {
  const info = new BinaryWriter()
    .tag(1, WireType.LengthDelimited)
    .string('type.googleapis.com/google.rpc.RetryInfo')
    .tag(2, WireType.LengthDelimited)
    .bytes(retryInfo(retryAfterMs));
  return new BinaryWriter()
    .tag(1, WireType.Varint)
    .int32(code)
    .tag(2, WireType.LengthDelimited)
    .string(message)
    .tag(3, WireType.LengthDelimited)
    .bytes(info.finish())
    .finish();
}
