/** The door of pulses: judges a request by its bytes and the clock alone, and answers what the log says. */

import { type CallersTenant, callersTenant } from '../../domain/metering/callers-tenant.ts';
import type { PulseRejection } from '../../domain/metering/pulse.ts';
import { PulseScan } from '../../domain/metering/pulse-scan.ts';
import { ACCEPTED, rejectionOf } from '../../domain/metering/pulse-verdict.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PulseWriter } from './pulse-writer.ts';

/** Who sends pulses, as the edge has found out. */
export interface PulseCaller {
  /** The tenant that the caller's key belongs to, 1-64 bytes; null: any, and each pulse names its own. */
  readonly tenant: string | null;
  readonly canBackfill: boolean;
}

export interface RejectedPulse {
  /** Place in the request. */
  readonly index: number;
  readonly code: PulseRejection;
}

/** Every pulse but the rejected ones is durable. */
export interface IngestTaken {
  readonly kind: 'taken';
  /** Pulses of the request. */
  readonly count: number;
  /** In their order. */
  readonly rejections: readonly RejectedPulse[];
}

/**
 * - `malformed`, `too_many`, `empty`, `backfill_forbidden`: the request can not be taken as it is.
 * - `overloaded`, `unavailable`: not now. Of these and those above nothing was logged.
 * - `unknown`: each pulse may or may not be in the log. The same ids are to be sent again.
 */
export type IngestOutcome =
  | IngestTaken
  | {
      readonly kind:
        | 'malformed'
        | 'too_many'
        | 'empty'
        | 'backfill_forbidden'
        | 'overloaded'
        | 'unavailable'
        | 'unknown';
    };

export interface PulseDoorDeps {
  readonly writer: Pick<PulseWriter, 'write'>;
  readonly clock: Pick<Clock, 'now'>;
  /** Of the writer's log. */
  readonly partitions: number;
}

const NO_REJECTIONS: readonly RejectedPulse[] = [];

export class PulseDoor {
  readonly #deps: PulseDoorDeps;
  /** Used anew by every request: nothing of it is read once the door waits for the log. */
  readonly #scan: PulseScan;
  /** A caller's pulses are told from others' by this object. */
  readonly #tenants = new WeakMap<PulseCaller, CallersTenant>();

  constructor(deps: PulseDoorDeps) {
    this.#deps = deps;
    this.#scan = new PulseScan(deps.partitions);
  }

  /** `request`: an IngestRequest as Protobuf; the caller's again once this returns. Never rejects. */
  async ingest(request: Uint8Array, caller: PulseCaller): Promise<IngestOutcome> {
    const scan = this.#scan;
    const tenant = this.#tenantOf(caller);
    const { canBackfill } = caller;
    const scanned = scan.scan(request, { tenant, canBackfill }, this.#deps.clock.now());
    if (scanned !== 'scanned') return { kind: scanned };
    const { count } = scan;
    const rejections = scan.accepted === count ? NO_REJECTIONS : rejectionsOf(scan);
    const taken: IngestTaken = { kind: 'taken', count, rejections };
    if (scan.accepted === 0) return taken;
    const written = this.#deps.writer.write(request, scan, tenant);
    if (written === null) return { kind: 'overloaded' };
    const outcome = await written;
    return outcome === 'durable' ? taken : { kind: outcome };
  }

  #tenantOf(caller: PulseCaller): CallersTenant | null {
    if (caller.tenant === null) return null;
    let tenant = this.#tenants.get(caller);
    if (tenant === undefined) {
      tenant = callersTenant(caller.tenant);
      this.#tenants.set(caller, tenant);
    }
    return tenant;
  }
}

function rejectionsOf({ count, verdict }: PulseScan): readonly RejectedPulse[] {
  const rejections: RejectedPulse[] = [];
  for (let index = 0; index < count; index += 1) {
    const found = verdict[index] as number;
    if (found !== ACCEPTED) rejections.push({ index, code: rejectionOf(found) });
  }
  return rejections;
}
