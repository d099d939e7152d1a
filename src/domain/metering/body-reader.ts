/** Reads JSON of unknown shape, as requests bring it, into typed fields, and gathers all that is wrong with it. */
import { compareDecimals, type Decimal, parseDecimal, ZERO } from '../counting/decimal.ts';
import { shortest } from '../counting/exact-decimal.ts';
import { isTimeZone } from '../counting/time-window.ts';
import { type FieldProblem, PROBLEMS_MAX } from '../voting/poll-fields.ts';
import { instantOf } from '../voting/rfc3339.ts';
import { USAGE_WINDOW_MS } from './usage.ts';

export type BodyRead<T> =
  | { readonly kind: 'ok'; readonly value: T }
  | { readonly kind: 'invalid'; readonly problems: readonly FieldProblem[] };

/** Reads one value; undefined, after a report, where it is wrong. */
export type Reader<T> = (value: unknown, pointer: string, problems: Problems) => T | undefined;

/** What a member may be, and what it is where the object does not say; required without `absent`. */
export interface Field<T> {
  readonly read: Reader<T>;
  readonly absent?: { readonly value: T };
}
export type Fields<T> = { readonly [Name in keyof T]-?: Field<T[Name]> };
export type JsonObject = Readonly<Record<string, unknown>>;

const ECHO_LENGTH_MAX = 64;
const INSTANT_MAX = Date.UTC(10_000, 0);
const encoder = new TextEncoder();

/** Everything that is wrong with a body, up to PROBLEMS_MAX. */
export class Problems {
  readonly list: FieldProblem[] = [];

  /** Undefined, so that a reader can report and return in one. */
  add(pointer: string, detail: string, code: FieldProblem['code'] = 'invalid_body'): undefined {
    if (this.list.length < PROBLEMS_MAX) this.list.push({ pointer, code, detail });
  }
}

export function readBody<T>(body: unknown, read: Reader<T>): BodyRead<T> {
  const problems = new Problems();
  const value = read(body, '', problems);
  return value === undefined || problems.list.length > 0
    ? { kind: 'invalid', problems: problems.list }
    : { kind: 'ok', value };
}

export function required<T>(read: Reader<T>): Field<T> {
  return { read };
}

export function optional<T>(read: Reader<T>, value: T): Field<T> {
  return { read, absent: { value } };
}

/** An object that has these members and no others. */
export function objectOf<T extends object>(fields: Fields<T>): Reader<T> {
  return (value, pointer, problems) => {
    if (!isJsonObject(value)) return problems.add(pointer, 'Must be a JSON object.');
    refuseUnknown(value, pointer, problems, Object.keys(fields));
    return readFields(value, pointer, problems, fields);
  };
}

/** These members, whatever others there are; undefined where one is missing or wrong. */
export function readFields<T extends object>(
  value: JsonObject,
  pointer: string,
  problems: Problems,
  fields: Fields<T>,
): T | undefined {
  const read: Record<string, unknown> = {};
  let isWhole = true;
  for (const [name, field] of Object.entries<Field<unknown>>(fields)) {
    const at = pointer + pointerTo(name);
    const isAbsent = !Object.hasOwn(value, name);
    if (isAbsent && field.absent === undefined) {
      problems.add(at, 'Must be given.');
      isWhole = false;
      continue;
    }
    read[name] = isAbsent ? field.absent?.value : field.read(value[name], at, problems);
    isWhole &&= read[name] !== undefined;
  }
  // Every field of T was read by the reader of that field.
  return isWhole ? (read as T) : undefined;
}

export function refuseUnknown(
  value: JsonObject,
  pointer: string,
  problems: Problems,
  known: readonly string[],
): void {
  for (const name of Object.keys(value)) {
    if (known.includes(name)) continue;
    problems.add(pointer + pointerTo(name), 'The field is not known here.', 'unknown_field');
  }
}

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function orNull<T>(read: Reader<T>): Reader<T | null> {
  return (value, pointer, problems) => (value === null ? null : read(value, pointer, problems));
}

export function oneOf<T extends string>(known: readonly T[]): Reader<T> {
  return (value, pointer, problems) =>
    known.find((name) => name === value) ??
    problems.add(pointer, `Must be one of ${known.join(', ')}.`);
}

export function listOf<T>(read: Reader<T>, min: number, max: number): Reader<readonly T[]> {
  return (value, pointer, problems) => {
    if (!Array.isArray(value) || value.length < min || value.length > max) {
      return problems.add(pointer, `Must be a list of ${min}–${max}.`);
    }
    const entries = value.map((entry, at) => read(entry, `${pointer}/${at}`, problems));
    return entries.every((entry) => entry !== undefined) ? entries : undefined;
  };
}

/** A text that pulses are told apart by: taken as it is, byte by byte. */
export function nameOf(bytesMax: number): Reader<string> {
  return (value, pointer, problems) => {
    const isName =
      typeof value === 'string' &&
      value !== '' &&
      encoder.encode(value).length <= bytesMax &&
      !/[\p{Cc}\p{Cs}]/u.test(value);
    if (isName) return value;
    return problems.add(
      pointer,
      `Must be a text of 1–${bytesMax} bytes without control characters.`,
    );
  };
}

/** A text for people: trimmed, in Unicode form NFC. */
export function wordsOf(lengthMax: number): Reader<string> {
  return (value, pointer, problems) => {
    const text = typeof value === 'string' ? value.normalize('NFC').trim() : '';
    // Control characters and unpaired surrogates break pages and exports; bidi overrides forge them.
    const isClean = !/[\p{Cc}\p{Cs}\u2028\u2029\u202a-\u202e\u2066-\u2069]/u.test(text);
    if (text !== '' && [...text].length <= lengthMax && isClean) return text;
    return problems.add(
      pointer,
      `Must be a text of 1–${lengthMax} characters without control characters.`,
    );
  };
}

export const readEntryId: Reader<string> = (value, pointer, problems) => {
  if (typeof value === 'string' && /^[a-z0-9][a-z0-9-]{0,62}$/.test(value)) return value;
  return problems.add(pointer, 'Must be 1–63 of a–z, 0–9 and -, and not begin with -.');
};

export function wholeNumber(min: number, max: number): Reader<number> {
  return (value, pointer, problems) => {
    if (Number.isInteger(value) && Number(value) >= min && Number(value) <= max) {
      return Number(value);
    }
    return problems.add(pointer, `Must be a whole number from ${min} to ${max}.`);
  };
}

/** An exact decimal, as a JSON text: JSON numbers are binary fractions to most readers. */
const readDecimal: Reader<Decimal> = (value, pointer, problems) => {
  const decimal = typeof value === 'string' ? parseDecimal(value) : null;
  if (decimal !== null) return shortest(decimal);
  return problems.add(
    pointer,
    'Must be a decimal number in a text, such as "0.05": at most 38 digits, 18 of them behind the point.',
  );
};

export const readNotNegative: Reader<Decimal> = (value, pointer, problems) => {
  const decimal = readDecimal(value, pointer, problems);
  if (decimal === undefined || decimal.mantissa >= 0n) return decimal;
  return problems.add(pointer, 'Must not be below 0.');
};

export const readPositive: Reader<Decimal> = (value, pointer, problems) => {
  const decimal = readDecimal(value, pointer, problems);
  if (decimal === undefined || compareDecimals(decimal, ZERO) > 0) return decimal;
  return problems.add(pointer, 'Must be above 0.');
};

/** ms since the Unix epoch. */
export const readInstant: Reader<number> = (value, pointer, problems) => {
  const instant = typeof value === 'string' ? instantOf(value) : null;
  if (instant !== null && instant >= 0 && instant < INSTANT_MAX) return instant;
  return problems.add(
    pointer,
    'Must be an RFC 3339 time with a zone, between the years 1970 and 9999.',
  );
};

/** The boundary of a usage window, ms since the Unix epoch. */
export const readWindowBound: Reader<number> = (value, pointer, problems) => {
  const instant = readInstant(value, pointer, problems);
  if (instant === undefined || instant % USAGE_WINDOW_MS === 0) return instant;
  return problems.add(pointer, 'Must lie on a whole quarter of an hour.');
};

export const readTimeZone: Reader<string> = (value, pointer, problems) => {
  if (typeof value === 'string' && isTimeZone(value)) return value;
  return problems.add(pointer, 'Must be an IANA time zone, such as America/Sao_Paulo.');
};

function pointerTo(name: string): string {
  return `/${name.slice(0, ECHO_LENGTH_MAX).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}
