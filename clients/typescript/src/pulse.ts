/** What a client sends, and what it is told of it. */

/** One report of consumption. The limits of each field: proto/apura/metering/v1/pulse.proto. */
export interface Pulse {
  /** The same in every retry; a UUIDv7 is made where it is absent. */
  readonly id?: string;
  /** The service that reports; the client's own where absent. */
  readonly source?: string;
  /** Whose consumption it is; the API key's own tenant where absent. */
  readonly tenant?: string;
  readonly productSku: string;
  /** An exact decimal as a text, such as `12.50`: a number would have lost digits already. */
  readonly usedAmount: string;
  readonly useUnity: string;
  /** A Date, or an RFC 3339 text; the time of `send` where absent. */
  readonly occurredAt?: Date | string;
  readonly attributes?: Readonly<Record<string, string>>;
}

/**
 * - `accepted`: durable, and counted once.
 * - `rejected`: certainly not taken, and never will be as it is; `code` says why.
 */
export type PulseResult =
  | { readonly status: 'accepted'; readonly id: string }
  | {
      readonly status: 'rejected';
      readonly id: string;
      readonly code: string;
      readonly message: string;
    };

/**
 * The client has given a pulse up.
 *
 * - `not_taken`: it is certain that the server has not taken the pulse.
 * - `unknown`: the server may have taken it. Send it again later with the same `id`: it counts once.
 */
export class PulseError extends Error {
  readonly outcome: 'not_taken' | 'unknown';
  /** Stable: of the server, or `queue_full`, `closed`, `no_answer`. */
  readonly code: string;
  readonly id: string;

  constructor(outcome: 'not_taken' | 'unknown', code: string, id: string) {
    super(
      `Pulse ${id} was given up (${code}): ${outcome === 'unknown' ? 'it may have been' : 'not'} taken.`,
    );
    this.name = 'PulseError';
    this.outcome = outcome;
    this.code = code;
    this.id = id;
  }
}
