/**
 * What every door of pulses does alike, whatever its protocol: asks who calls and may, hands the bytes
 * on, and says what became of them by one set of codes.
 */
import {
  type ApiKeys,
  type Identified,
  type MeteringCaller,
  mayUse,
} from '../../application/metering/api-keys.ts';
import type {
  IngestOutcome,
  IngestTaken,
  PulseCaller,
  PulseDoor,
} from '../../application/metering/pulse-door.ts';
import { PULSE_BYTES_MAX, PULSES_PER_REQUEST_MAX } from '../../domain/metering/pulse.ts';
import { PROBLEMS, type PublicErrorCode } from './problems.ts';

/** The bytes of the largest IngestRequest that the contract allows, and of a stream's number before it. */
export const PULSE_REQUEST_BYTES_MAX = PULSES_PER_REQUEST_MAX * (PULSE_BYTES_MAX + 3) + 32;

/** Who may send pulses, having said so. */
export interface PulseSender extends PulseCaller {
  readonly caller: MeteringCaller;
}

/** Why a whole request was not taken, or is unknown. */
export interface PulseRefusal {
  readonly kind: 'refused';
  readonly code: PublicErrorCode;
  readonly detail: string;
  /** When to send the same again, ms; null where it would come to the same. */
  readonly retryAfterMs: number | null;
}

export type IngestAnswer = IngestTaken | PulseRefusal;

const NOTHING_TAKEN = 'Nothing was taken. Send the same pulses with the same ids again.';

const REFUSALS = {
  malformed: ['malformed_request', 'The bytes are no IngestRequest.'],
  too_many: ['too_many_pulses', `A request holds at most ${PULSES_PER_REQUEST_MAX} pulses.`],
  empty: ['no_pulses', 'The request holds no pulse.'],
  backfill_forbidden: ['backfill_forbidden', 'allow_backfill needs a key with the scope backfill.'],
  overloaded: ['overloaded', NOTHING_TAKEN],
  unavailable: ['log_unavailable', `The log can not be reached. ${NOTHING_TAKEN}`],
  unknown: [
    'outcome_unknown',
    'The log did not confirm in time. Send the same pulses with the same ids again: each counts once.',
  ],
} as const satisfies Record<
  Exclude<IngestOutcome['kind'], 'taken'>,
  readonly [PublicErrorCode, string]
>;

const NO_KEY = 'The bearer token is neither an API key nor the operator’s token.';

const UNAUTHORIZED = {
  missing: 'Send an API key or the operator’s token: authorization: Bearer <it>.',
  unheard: NO_KEY,
  unknown: NO_KEY,
  revoked: 'The API key was revoked.',
  expired: 'The API key has expired.',
} as const;

export interface PulseIngestDeps {
  readonly door: Pick<PulseDoor, 'ingest'>;
  readonly keys: Pick<ApiKeys, 'identify' | 'stillHolds'>;
  /** Why nothing may be taken now, in a sentence; null while it may. */
  readonly trouble: () => string | null;
}

export class PulseIngest {
  readonly #deps: PulseIngestDeps;
  /** What follows from a key, as often as it calls: a door knows its callers by the object. */
  readonly #senders = new WeakMap<object, PulseSender>();

  constructor(deps: PulseIngestDeps) {
    this.#deps = deps;
  }

  /** `authorization`: the header, null where there is none. */
  sender(authorization: string | null, remoteAddress: string): PulseSender | PulseRefusal {
    const identified = this.#deps.keys.identify(bearerIn(authorization), remoteAddress);
    if (identified.kind !== 'caller') return refusalOfCaller(identified);
    const { caller } = identified;
    if (!mayUse(caller, 'ingest')) {
      return refusal('forbidden', 'The API key lacks the scope ingest.');
    }
    const known = caller.key ?? OPERATOR;
    let sender = this.#senders.get(known);
    if (sender === undefined) {
      const tenant = caller.key?.tenant ?? null;
      sender = { caller, tenant, canBackfill: mayUse(caller, 'backfill') };
      this.#senders.set(known, sender);
    }
    return sender;
  }

  /** What a sender must be told whose key holds no longer, in the middle of a stream; null where it does. */
  recheck({ caller }: PulseSender): PulseRefusal | null {
    if (this.#deps.keys.stillHolds(caller)) return null;
    return refusal(
      'unauthorized',
      'The API key was revoked or has expired since the stream began.',
    );
  }

  /** Never rejects. */
  async take(request: Uint8Array, sender: PulseSender): Promise<IngestAnswer> {
    const trouble = this.#deps.trouble();
    if (trouble !== null) return refusal('not_ready', `${trouble} ${NOTHING_TAKEN}`);
    const outcome = await this.#deps.door.ingest(request, sender);
    if (outcome.kind === 'taken') return outcome;
    const [code, detail] = REFUSALS[outcome.kind];
    return refusal(code, detail);
  }
}

const OPERATOR = {};

export function isRefusal(answer: object): answer is PulseRefusal {
  return 'kind' in answer && answer.kind === 'refused';
}

export function refusal(code: PublicErrorCode, detail: string): PulseRefusal {
  const { retryAfterSeconds } = PROBLEMS[code];
  const retryAfterMs = retryAfterSeconds === undefined ? null : retryAfterSeconds * 1000;
  return { kind: 'refused', code, detail, retryAfterMs };
}

/** Who is not let in, and why. */
function refusalOfCaller(
  identified: Exclude<Identified, { readonly kind: 'caller' }>,
): PulseRefusal {
  switch (identified.kind) {
    case 'unauthorized':
      return refusal('unauthorized', UNAUTHORIZED[identified.why]);
    case 'blocked':
      return {
        ...refusal('too_many_attempts', 'Too many wrong tokens came from here.'),
        retryAfterMs: identified.forMs,
      };
    case 'stale':
      return refusal('not_ready', 'The catalogue is away for so long that no API key is believed.');
  }
}

/** What stands behind `Bearer `; null where nothing does. */
function bearerIn(authorization: string | null): string | null {
  const match = authorization === null ? null : /^Bearer +(\S+) *$/i.exec(authorization);
  return match?.[1] ?? null;
}
