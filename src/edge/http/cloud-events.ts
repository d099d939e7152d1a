/** CloudEvents 1.0 as pulses: which attribute means what, and what an event must be to be one. */
import { encodePulseTexts } from '../../domain/metering/pulse-codec.ts';
import { type PulseItem, unreadable } from './pulse-items.ts';

/** An event as JSON has it: its attributes, and `data`. */
export type EventFields = Readonly<Record<string, unknown>>;

const DATA_FIELDS: ReadonlySet<string> = new Set([
  'used_amount',
  'use_unity',
  'product_sku',
  'attributes',
]);
/** Written as UTF-8 all of these would be the same character: two ids would become one. */
const HALF_A_CHARACTER = 'holds half of a surrogate pair, which is no character.';
const RFC_3339 =
  /^(\d{4})-(\d\d)-(\d\d)[Tt](\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:[Zz]|([+-])(\d\d):(\d\d))$/;

/**
 * | CloudEvents | pulse |
 * | --- | --- |
 * | `id`, `source` | the same |
 * | extension `tenant`, else `subject` | tenant |
 * | `data.product_sku`, else `type` | product_sku |
 * | `time` | occurred_at |
 * | `data.used_amount` (text), `data.use_unity`, `data.attributes` (texts) | the same |
 *
 * Other attributes of the event (`datacontenttype`, `traceparent`, …) are not looked at.
 */
export function pulseOfEvent(event: unknown): PulseItem {
  if (!isObject(event)) return unreadable('event_invalid', 'The event is not an object.');
  if (event.specversion !== '1.0') return unreadable('event_invalid', 'specversion is not "1.0".');
  for (const name of ['id', 'source', 'type', 'subject', 'tenant', 'time']) {
    const value = event[name];
    const isNeeded = name === 'type';
    if (typeof value !== 'string' && (isNeeded || (value !== undefined && value !== null))) {
      return unreadable('event_invalid', `${name} is not a text.`);
    }
    if (typeof value === 'string' && !value.isWellFormed()) {
      return unreadable('event_invalid', `${name} ${HALF_A_CHARACTER}`);
    }
  }
  const { data } = event;
  if (!isObject(data)) return unreadable('event_invalid', 'data is not an object.');
  const wrong = wrongInData(data);
  if (wrong !== null) return wrong;
  const time = textOf(event, 'time');
  const occurredAt = time === undefined ? undefined : timeOf(time);
  if (occurredAt === null) {
    return unreadable('occurred_at_invalid', 'time is not an instant as in RFC 3339.');
  }
  const texts = {
    id: textOf(event, 'id'),
    source: textOf(event, 'source'),
    tenant: textOf(event, 'tenant') ?? textOf(event, 'subject'),
    sku: textOf(data, 'product_sku') ?? textOf(event, 'type'),
    amount: textOf(data, 'used_amount'),
    unit: textOf(data, 'use_unity'),
    occurredAt,
    attributes: data.attributes as Readonly<Record<string, string>> | undefined,
  };
  const said = Object.entries(texts).filter(([, value]) => value !== undefined);
  return { kind: 'pulse', bytes: encodePulseTexts(Object.fromEntries(said)) };
}

function wrongInData(data: EventFields): PulseItem | null {
  const unknown = Object.keys(data).find((name) => !DATA_FIELDS.has(name));
  if (unknown !== undefined) {
    return unreadable('unknown_field', `data.${unknown.slice(0, 64)} is not known here.`);
  }
  if (typeof data.used_amount === 'number') {
    return unreadable(
      'amount_not_text',
      'data.used_amount is a number, which has lost digits already: send a text, such as "12.50".',
    );
  }
  for (const name of ['used_amount', 'use_unity', 'product_sku']) {
    const value = data[name];
    if (value !== undefined && typeof value !== 'string') {
      return unreadable('field_invalid', `data.${name} is not a text.`);
    }
    if (value?.isWellFormed() === false) {
      return unreadable('field_invalid', `data.${name} ${HALF_A_CHARACTER}`);
    }
  }
  const { attributes } = data;
  if (attributes === undefined) return null;
  if (
    !isObject(attributes) ||
    Object.values(attributes).some((value) => typeof value !== 'string')
  ) {
    return unreadable('field_invalid', 'data.attributes is not an object of texts.');
  }
  if (Object.entries(attributes).flat().every(isWellFormed)) return null;
  return unreadable('field_invalid', `A text of data.attributes ${HALF_A_CHARACTER}`);
}

function textOf(fields: EventFields, name: string): string | undefined {
  const value = fields[name];
  return typeof value === 'string' && value !== '' ? value : undefined;
}

/** Since the Unix epoch. Null where it is no instant; what is finer than a nanosecond is cut off. */
export function timeOf(text: string): { readonly seconds: number; readonly nanos: number } | null {
  const match = RFC_3339.exec(text);
  if (match === null) return null;
  const [, year, month, dayOfMonth, hour, minute, second, fraction = '', ...zone] = match;
  const [sign, zoneHour, zoneMinute] = zone;
  const numbers = [year, month, dayOfMonth, hour, minute, second].map(Number);
  const [y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0] = numbers;
  const day = new Date(0);
  // Not Date.UTC, to which the year 75 is 1975.
  day.setUTCFullYear(y, mo - 1, d);
  // Out of a calendar or a clock: Date counts on, 30 February being 2 March.
  const isReal =
    day.getUTCMonth() === mo - 1 && day.getUTCDate() === d && h < 24 && mi < 60 && s < 60;
  if (!isReal || Number(zoneHour ?? 0) > 23 || Number(zoneMinute ?? 0) > 59) return null;
  const ahead = (Number(zoneHour ?? 0) * 60 + Number(zoneMinute ?? 0)) * 60;
  const local = day.getTime() / 1000 + (h * 60 + mi) * 60 + s;
  const seconds = local - (sign === '-' ? -ahead : ahead);
  return { seconds, nanos: Number(fraction.slice(0, 9).padEnd(9, '0')) };
}

function isWellFormed(text: unknown): boolean {
  return typeof text === 'string' && text.isWellFormed();
}

function isObject(value: unknown): value is EventFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
