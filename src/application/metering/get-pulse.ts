/** Says where one pulse has got to: in the ledger, among the dead letters, or nowhere that is known. */
import type { DeadLetter } from '../../domain/metering/dead-letter.ts';
import { pulseKey } from '../../domain/metering/pulse-identity.ts';
import { PulseReader } from '../../domain/metering/pulse-reader.ts';
import { verdictOf } from '../../domain/metering/pulse-verdict.ts';
import { usageWindowOf } from '../../domain/metering/usage.ts';
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { PulseLedger, StoredPulse } from '../../ports/pulse-ledger.ts';

export interface GetPulseDeps {
  readonly ledger: Pick<PulseLedger, 'find' | 'pendingUsage'>;
  readonly letters: Pick<DeadLetters, 'list'>;
}

/** What a pulse is known by. */
export interface PulseName {
  readonly tenant: string;
  readonly source: string;
  readonly id: string;
}

/** Where one pulse has got to. */
export type PulseStatus =
  | { readonly kind: 'ok'; readonly pulse: StoredPulse; readonly usageSent: boolean }
  | { readonly kind: 'dead_letter'; readonly letter: DeadLetter }
  | { readonly kind: 'not_found' };

/** Usage windows looked through: where more of them wait, the pulse's is taken to be among them. */
const PENDING_MAX = 1_000;
/** The newest dead letters of the tenant that are looked through. */
const LETTERS_MAX = 1_000;
const MALFORMED = verdictOf('malformed');
const decoder = new TextDecoder('utf-8', { ignoreBOM: true });

/** @throws as the stores. */
export async function getPulse(
  { ledger, letters }: GetPulseDeps,
  name: PulseName,
): Promise<PulseStatus> {
  const pulse = await ledger.find(pulseKey(name.tenant, name.source, name.id));
  if (pulse !== null) {
    const pending = await ledger.pendingUsage(pulse.partition, PENDING_MAX);
    const waits = pending.some(({ series, start }) => {
      const { tenant, sku, unit, occurredAt } = pulse.pulse;
      const isSeries = series.tenant === tenant && series.sku === sku && series.unit === unit;
      return isSeries && start === usageWindowOf(occurredAt);
    });
    return { kind: 'ok', pulse, usageSent: !waits && pending.length < PENDING_MAX };
  }
  const filter = { state: null, tenant: name.tenant, code: null } as const;
  const queue = 'resource-consumption.dlq';
  const page = await letters.list({ ...filter, queue }, null, LETTERS_MAX);
  const letter = page.letters.find((each) => isOf(each, name));
  return letter === undefined ? { kind: 'not_found' } : { kind: 'dead_letter', letter };
}

/** Whether the letter's bytes are a pulse of this name, whatever else is wrong with it. */
function isOf({ bytes, origin }: DeadLetter, { tenant, source, id }: PulseName): boolean {
  if (origin.index === null) return false;
  const reader = new PulseReader();
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (reader.read(bytes, view, 0, bytes.length) === MALFORMED) return false;
  const text = (start: number, end: number): string => decoder.decode(bytes.subarray(start, end));
  return (
    text(reader.idStart, reader.idEnd) === id &&
    text(reader.sourceStart, reader.sourceEnd) === source &&
    text(reader.tenantStart, reader.tenantEnd) === tenant
  );
}
