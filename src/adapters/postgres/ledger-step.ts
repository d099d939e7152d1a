/** A ledger step in the two forms that Postgres takes it in: rows for COPY, and JSON for the rest. */
import type { EventKey } from '../../domain/counting/key.ts';
import { DAY_MS } from '../../domain/counting/retention.ts';
import { EXPIRED, LATE } from '../../domain/counting/verdict.ts';
import type { EventColumns, LedgerStep } from '../../ports/ledger.ts';
import { COPY_HEADER, COPY_TRAILER, type CopiedRows } from './copy.ts';
import { VOTE_STATES } from './schema.ts';

/** Its rows are the counted and excluded events, as the table `staged` has them. */
export interface EncodedStep extends CopiedRows {
  /** JSON: keys, spans, counts, books, closes and acts, as `commit_step` reads them. */
  readonly content: string;
  /** The days of the counted events' id times, from the first to the last; null without any. */
  readonly days: { readonly first: number; readonly last: number } | null;
}

/** A field count of 2 bytes, then the fields, each behind 4 bytes that say how long it is. */
const ROW = rowTemplate([16, 8, 8, 4, 2]);
const ID = 6;
const ACCEPTED_AT = ID + 16 + 4;
const OFFSET = ACCEPTED_AT + 8 + 4;
const KEY = OFFSET + 8 + 4;
const STATE = KEY + 4 + 4;
const U16 = 0x1_0000;
const U32 = 0x1_0000_0000;

/** @throws RangeError: the step contradicts itself. Nothing was sent then. */
export function encodeStep(step: LedgerStep): EncodedStep {
  const { counted, excluded } = step;
  const keys = new KeyList();
  const rowCount = counted.count + excluded.count;
  const rows = Buffer.allocUnsafe(COPY_HEADER.length + rowCount * ROW.length + COPY_TRAILER.length);
  COPY_HEADER.copy(rows);
  COPY_TRAILER.copy(rows, rows.length - COPY_TRAILER.length);
  const { verdict } = excluded;
  const bytes = new DataView(rows.buffer, rows.byteOffset + COPY_HEADER.length);
  const countedSpans = writeEvents(bytes, 0, counted, keys, () => VOTE_STATES.counted);
  const start = counted.count * ROW.length;
  const spans = writeEvents(bytes, start, excluded, keys, (index) => stateOf(verdict[index]));
  const content = JSON.stringify({
    spans: [...countedSpans, ...spans],
    counts: step.counts.map((entry) => [keys.placeOf(entry), entry.minute, entry.count]),
    books: step.books.map((entry) => {
      const { scope, logged, counted, duplicate, expired, late, voided } = entry;
      return [scope, logged, counted, duplicate, expired, late, voided];
    }),
    closes: step.closes.map(({ scope, offset }) => [scope, offset]),
    acts: step.acts.map((act) => {
      const { kind, actId, target, minute } = act;
      return [kind, actId, target, keys.placeOf(act), minute];
    }),
    keys: keys.list,
  });
  return { rows, rowCount, content, days: daysOf(countedSpans) };
}

/** The step's keys, each once. */
class KeyList {
  readonly list: [scope: string, item: string, lane: string][] = [];
  readonly #places = new Map<string, number>();

  placeOf({ scope, item, lane }: EventKey): number {
    const name = `${lane} ${scope.length} ${scope} ${item}`;
    const known = this.#places.get(name);
    if (known !== undefined) return known;
    const place = this.list.push([scope, item, lane]) - 1;
    this.#places.set(name, place);
    return place;
  }
}

/** A key's place, and the first and the last id time of its events. */
type Span = readonly [place: number, first: number, last: number];

/** Writes the events' rows and returns their keys' spans. */
function writeEvents(
  bytes: DataView,
  start: number,
  columns: EventColumns,
  keys: KeyList,
  state: (index: number) => number,
): Span[] {
  const { count, keyIndex, acceptedAt, offset } = columns;
  const ids = new DataView(columns.ids.buffer, columns.ids.byteOffset, columns.ids.byteLength);
  if (Math.min(keyIndex.length, acceptedAt.length, offset.length, ids.byteLength / 16) < count) {
    throw new RangeError(`A column is shorter than its ${count} events`);
  }
  const places = columns.keys.map((key) => keys.placeOf(key));
  const first = new Float64Array(places.length).fill(Number.POSITIVE_INFINITY);
  const last = new Float64Array(places.length);
  const target = new Uint8Array(bytes.buffer, bytes.byteOffset);
  for (let index = 0; index < count; index += 1) {
    const row = start + index * ROW.length;
    const id = index * 16;
    const key = keyIndex[index] as number;
    const place = places[key];
    if (place === undefined) throw new RangeError(`The step names no key ${key}`);
    target.set(ROW, row);
    for (let at = 0; at < 16; at += 4) bytes.setUint32(row + ID + at, ids.getUint32(id + at));
    writeWhole(bytes, row + ACCEPTED_AT, acceptedAt[index] as number);
    writeWhole(bytes, row + OFFSET, offset[index] as number);
    bytes.setUint32(row + KEY, place);
    bytes.setUint16(row + STATE, state(index));
    const time = ids.getUint32(id) * U16 + ids.getUint16(id + 4);
    if (time < (first[key] as number)) first[key] = time;
    if (time > (last[key] as number)) last[key] = time;
  }
  return places.flatMap((place, key): Span[] => {
    const from = first[key] as number;
    return from < Number.POSITIVE_INFINITY ? [[place, from, last[key] as number]] : [];
  });
}

function writeWhole(bytes: DataView, at: number, value: number): void {
  bytes.setUint32(at, Math.floor(value / U32));
  bytes.setUint32(at + 4, value % U32);
}

function stateOf(verdict: number | undefined): number {
  if (verdict === LATE) return VOTE_STATES.late;
  if (verdict === EXPIRED) return VOTE_STATES.expired;
  throw new RangeError(`Verdict ${verdict} excludes no event`);
}

function daysOf(spans: readonly Span[]): EncodedStep['days'] {
  if (spans.length === 0) return null;
  return {
    first: Math.floor(Math.min(...spans.map(([, first]) => first)) / DAY_MS),
    last: Math.floor(Math.max(...spans.map(([, , last]) => last)) / DAY_MS),
  };
}

function rowTemplate(fields: readonly number[]): Buffer {
  const parts = fields.map((length) => {
    const field = Buffer.alloc(4 + length);
    field.writeUInt32BE(length);
    return field;
  });
  return Buffer.concat([Buffer.from([0, fields.length]), ...parts]);
}
