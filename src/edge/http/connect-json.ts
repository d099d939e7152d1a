/** IngestRequest and IngestResponse in Protobuf's JSON, each pulse read for itself. */
import {
  type DescMessage,
  type FileRegistry,
  fromJson,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { messageOf } from '../grpc/wire-contract.ts';
import { timeOf } from './cloud-events.ts';
import { parsePulseJson } from './pulse-body.ts';
import { isRefusal, type PulseRefusal, refusal } from './pulse-ingest.ts';
import { type ItemResult, type PulseItem, unreadable } from './pulse-items.ts';

export interface JsonBatch {
  readonly items: readonly PulseItem[];
  readonly allowsBackfill: boolean;
}

const FIELDS: ReadonlySet<string> = new Set(['pulses', 'allowBackfill', 'allow_backfill']);

export class ConnectJson {
  readonly #pulse: DescMessage;

  constructor(contract: FileRegistry) {
    this.#pulse = messageOf(contract, 'apura.metering.v1.Pulse');
  }

  read(bytes: Uint8Array): JsonBatch | PulseRefusal {
    const json = parsePulseJson(bytes);
    if (isRefusal(json)) return json;
    const { value: body } = json;
    if (typeof body !== 'object' || body === null || Array.isArray(body)) {
      return refusal('invalid_body', 'The body is not an object.');
    }
    const unknown = Object.keys(body).find((name) => !FIELDS.has(name));
    if (unknown !== undefined) {
      return refusal('unknown_field', `${unknown.slice(0, 64)} is not a field of IngestRequest.`);
    }
    const {
      pulses = [],
      allowBackfill,
      allow_backfill = allowBackfill ?? false,
    } = body as {
      pulses?: unknown;
      allowBackfill?: unknown;
      allow_backfill?: unknown;
    };
    if (!Array.isArray(pulses) || typeof allow_backfill !== 'boolean') {
      return refusal('invalid_body', 'pulses is not a list, or allowBackfill not true or false.');
    }
    const items = pulses.map((pulse: unknown) => this.#item(pulse));
    return { items, allowsBackfill: allow_backfill };
  }

  #item(value: unknown): PulseItem {
    if (isNumberAmount(value)) {
      return unreadable('amount_not_text', 'usedAmount is a number: send a text, such as "12.50".');
    }
    try {
      const pulse = fromJson(this.#pulse, value as JsonValue);
      // The library counts on where a calendar ends: 30 February is 2 March to it.
      if (!isRealTime(value)) {
        return unreadable('occurred_at_invalid', 'occurredAt is not an instant as in RFC 3339.');
      }
      return { kind: 'pulse', bytes: toBinary(this.#pulse, pulse) };
    } catch (error) {
      const why = error instanceof Error ? error.message : 'It is no Pulse.';
      return unreadable('field_invalid', why.slice(0, 200));
    }
  }
}

/** An IngestResponse. */
export function jsonOfResults(results: readonly ItemResult[]): string {
  return JSON.stringify({
    results: results.map((result) =>
      result === null
        ? { status: 'PULSE_STATUS_ACCEPTED' }
        : { status: 'PULSE_STATUS_REJECTED', ...result },
    ),
  });
}

function isNumberAmount(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  const { usedAmount, used_amount = usedAmount } = value as Record<string, unknown>;
  return typeof used_amount === 'number';
}

function isRealTime(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return true;
  const { occurredAt, occurred_at = occurredAt } = value as Record<string, unknown>;
  return typeof occurred_at !== 'string' || timeOf(occurred_at) !== null;
}
