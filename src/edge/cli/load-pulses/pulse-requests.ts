/** IngestRequests of a run's pulses, written straight from their numbers. */
import { varintLength, writeVarint } from '../../../domain/metering/wire-varint.ts';
import { LOAD_SOURCE, type PulsePlan } from './pulse-plan.ts';

const TAG_PULSES = 0x0a;
const TAG_ID = 0x0a;
const TAG_SOURCE = 0x12;
const TAG_TENANT = 0x1a;
const TAG_SKU = 0x22;
const TAG_AMOUNT = 0x2a;
const TAG_UNIT = 0x32;
const TAG_OCCURRED_AT = 0x3a;
const TAG_SECONDS = 0x08;
const TAG_NANOS = 0x10;
const ID_BYTES = 36;
/** `123.`, and nine digits twice. */
const AMOUNT_BYTES = 22;
const OCCURRED_AT_BYTES_MAX = 20;
const LENGTH_BYTES_MAX = 5;
const NANOS_PER_MS = 1_000_000;
const ZERO = 0x30;
const POINT = 0x2e;

const encoder = new TextEncoder();

export class PulseRequests {
  readonly #plan: PulsePlan;
  /** By series: the fields between id and amount, and the unit behind the amount. */
  readonly #names: readonly Uint8Array[];
  readonly #units: readonly Uint8Array[];
  readonly #pulseBytesMax: number;

  /** `namesTenants`: whether pulses say their tenant, or leave it to the API key. */
  constructor(plan: PulsePlan, namesTenants: boolean) {
    this.#plan = plan;
    this.#names = plan.series.map(({ tenant, sku }) =>
      Uint8Array.from([
        ...textField(TAG_SOURCE, LOAD_SOURCE),
        ...(namesTenants ? textField(TAG_TENANT, tenant) : []),
        ...textField(TAG_SKU, sku),
      ]),
    );
    this.#units = plan.series.map(({ unit }) => Uint8Array.from(textField(TAG_UNIT, unit)));
    const longest = (parts: readonly Uint8Array[]) =>
      Math.max(...parts.map(({ length }) => length));
    this.#pulseBytesMax =
      2 + ID_BYTES + longest(this.#names) + 2 + AMOUNT_BYTES + longest(this.#units);
    this.#pulseBytesMax += 2 + OCCURRED_AT_BYTES_MAX + 1 + LENGTH_BYTES_MAX;
  }

  /** The request of these pulses, in this order. */
  encode(pulses: Iterable<number>, count: number): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(count * this.#pulseBytesMax);
    let at = 0;
    for (const pulse of pulses) at = this.#write(bytes, at, pulse);
    return bytes.subarray(0, at);
  }

  #write(bytes: Uint8Array, start: number, pulse: number): number {
    const plan = this.#plan;
    const series = plan.seriesOf(pulse);
    const names = this.#names[series] as Uint8Array;
    const unit = this.#units[series] as Uint8Array;
    const occurredAt = plan.occurredAt(pulse);
    const seconds = Math.floor(occurredAt / 1_000);
    const nanos = (occurredAt - seconds * 1_000) * NANOS_PER_MS;
    const timeLength = 1 + varintLength(seconds) + (nanos === 0 ? 0 : 1 + varintLength(nanos));
    const length = 2 + ID_BYTES + names.length + 2 + AMOUNT_BYTES + unit.length + 2 + timeLength;
    bytes[start] = TAG_PULSES;
    let at = writeVarint(bytes, start + 1, length);
    bytes[at] = TAG_ID;
    bytes[at + 1] = ID_BYTES;
    encoder.encodeInto(plan.idOf(pulse), bytes.subarray(at + 2, at + 2 + ID_BYTES));
    at += 2 + ID_BYTES;
    bytes.set(names, at);
    at += names.length;
    const { whole, high, low } = plan.amountOf(pulse);
    bytes[at] = TAG_AMOUNT;
    bytes[at + 1] = AMOUNT_BYTES;
    writeDigits(bytes, at + 2, 3, whole);
    bytes[at + 5] = POINT;
    writeDigits(bytes, at + 6, 9, high);
    writeDigits(bytes, at + 15, 9, low);
    at += 2 + AMOUNT_BYTES;
    bytes.set(unit, at);
    at += unit.length;
    bytes[at] = TAG_OCCURRED_AT;
    bytes[at + 1] = timeLength;
    bytes[at + 2] = TAG_SECONDS;
    at = writeVarint(bytes, at + 3, seconds);
    if (nanos === 0) return at;
    bytes[at] = TAG_NANOS;
    return writeVarint(bytes, at + 1, nanos);
  }
}

function textField(tag: number, text: string): readonly number[] {
  const bytes = encoder.encode(text);
  return [tag, bytes.length, ...bytes];
}

function writeDigits(bytes: Uint8Array, at: number, digits: number, value: number): void {
  let rest = value;
  for (let place = at + digits - 1; place >= at; place -= 1) {
    bytes[place] = ZERO + (rest % 10);
    rest = Math.floor(rest / 10);
  }
}
