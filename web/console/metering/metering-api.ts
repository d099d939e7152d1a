/** The metering API as the console uses it: every failure a value with a stable code. */
import { isRecord, narrow, type Outcome, type Send } from '../sender.ts';
import type { ApiKey, EditedEntries, EditedKind, KeyScope } from './entries.ts';
import type { ContractBody, ListPriceBody } from './entry-form.ts';
import type {
  DeadLetter,
  Difference,
  Estimate,
  LetterFilter,
  MeteringAct,
  Overview,
  Page,
  PeriodRecord,
  Statement,
  ThresholdEvent,
  UsageAnswer,
  UsageQuestion,
  WholeLetter,
} from './metering.ts';
import type { PriceBody } from './price-form.ts';
import type { ProductBody } from './product-form.ts';
import type { ThresholdBody } from './threshold-form.ts';

export interface EntryBodies {
  readonly product: ProductBody;
  readonly threshold: ThresholdBody;
  readonly price: ListPriceBody;
  readonly contract: ContractBody;
}

/** An entry that is not in the catalogue yet, as it would be put; a null id would make a new one. */
export interface TriedEntry<Kind extends EditedKind = EditedKind> {
  readonly kind: Kind;
  readonly id: string | null;
  readonly body: EntryBodies[Kind];
}

export interface NewKey {
  readonly tenant: string;
  readonly name: string;
  readonly scopes: readonly KeyScope[];
  readonly expiresAt: string | null;
}

/** A tenant's billing periods that overlap `[from, to)`, ms since the Unix epoch. */
export interface RatedSpan {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
}

/** What an amount would cost under a price that is not in the catalogue yet. */
export interface EstimateBody {
  readonly price: PriceBody & { readonly currency: string };
  readonly usage: readonly {
    readonly sku: string;
    readonly unit: string;
    readonly amount: string;
  }[];
}

export type LetterAct = 'requeue' | 'discard';

/** Some by their ids, or all PENDING ones that match. */
export type ChosenLetters =
  | { readonly ids: readonly string[] }
  | { readonly filter: LetterFilter; readonly cursor?: string };

/** A letter that stays as it is, and why. */
export interface LetterFailure {
  readonly id: string;
  readonly code: string;
  /** In English; empty where the code says all. */
  readonly detail: string;
}

export interface LettersResolved {
  readonly resolved: number;
  readonly failed: readonly LetterFailure[];
  /** Where to go on: more of them match. Null at the end. */
  readonly nextCursor: string | null;
}

export interface MeteringApi {
  overview(): Promise<Outcome<Overview>>;
  usage(question: UsageQuestion): Promise<Outcome<UsageAnswer>>;
  periods(tenant: string): Promise<Outcome<readonly PeriodRecord[]>>;
  /** Of the billing period that holds the instant (RFC 3339). */
  statement(tenant: string, at: string): Promise<Outcome<Statement>>;
  entries<Kind extends EditedKind>(kind: Kind): Promise<Outcome<readonly EditedEntries[Kind][]>>;
  entry<Kind extends EditedKind>(kind: Kind, id: string): Promise<Outcome<EditedEntries[Kind]>>;
  history<Kind extends EditedKind>(
    kind: Kind,
    id: string,
  ): Promise<Outcome<readonly EditedEntries[Kind][]>>;
  put<Kind extends EditedKind>(tried: TriedEntry<Kind>): Promise<Outcome<EditedEntries[Kind]>>;
  /** What the tenant's charges would become if the entry were put; stores nothing. */
  preview(span: RatedSpan, tried: TriedEntry): Promise<Outcome<Difference>>;
  /** Thresholds that usage has reached, newest first. */
  events(): Promise<Outcome<readonly ThresholdEvent[]>>;
  estimate(body: EstimateBody): Promise<Outcome<Estimate>>;
  keys(): Promise<Outcome<readonly ApiKey[]>>;
  createKey(body: NewKey): Promise<Outcome<ApiKey & { readonly secret: string }>>;
  revokeKey(id: string): Promise<Outcome<ApiKey>>;
  letters(filter: LetterFilter, cursor: string | null): Promise<Outcome<Page<DeadLetter>>>;
  letter(id: string): Promise<Outcome<WholeLetter>>;
  actOnLetter(id: string, act: LetterAct): Promise<Outcome<DeadLetter>>;
  actOnLetters(chosen: ChosenLetters, act: LetterAct): Promise<Outcome<LettersResolved>>;
  acts(): Promise<Outcome<readonly MeteringAct[]>>;
}

const ACTS_SHOWN = 12;
const EVENTS_SHOWN = 1_000;
const LETTERS_PAGE = 50;
const ENTRIES_PAGE = 1_000;
/** Lists of entries end here: more would not be read by anybody. */
const ENTRY_PAGES_MAX = 10;

export function createMeteringApi(send: Send): MeteringApi {
  /** All pages of a list, as far as it is read. */
  async function all<T>(path: string): Promise<Outcome<readonly T[]>> {
    const items: T[] = [];
    let cursor: string | null = null;
    for (let page = 0; page < ENTRY_PAGES_MAX; page += 1) {
      const query: string = queryOf({ limit: String(ENTRIES_PAGE), cursor: cursor ?? '' });
      const outcome: Outcome<Page<T>> = narrow(await send('GET', path + query), isPage<T>);
      if (!outcome.ok) return outcome;
      items.push(...outcome.value.items);
      cursor = outcome.value.nextCursor;
      if (cursor === null) break;
    }
    return { ok: true, value: items };
  }
  const list = async <T>(path: string) => itemsOf(narrow(await send('GET', path), isList<T>));

  return {
    overview: async () => narrow(await send('GET', '/v1/metering/overview'), isOverview),
    usage: async (question) => narrow(await send('GET', usageHref(question, 'json')), isUsage),
    periods: (tenant) => list(`/v1/billing-periods${queryOf({ tenant })}`),
    statement: async (tenant, at) =>
      narrow(await send('GET', statementHref(tenant, at, 'json')), isStatement),
    entries: (kind) => all(`/v1/${kind}s`),
    entry: async (kind, id) => narrow(await send('GET', entryPath(kind, id)), isEntry(kind)),
    history: (kind, id) => list(`${entryPath(kind, id)}/history`),
    put: async ({ kind, id, body }) =>
      narrow(
        id === null
          ? await send('POST', `/v1/${kind}s`, body)
          : await send('PUT', entryPath(kind, id), body),
        isEntry(kind),
      ),
    preview: async ({ tenant, from, to }, entry) => {
      const span = { from: new Date(from).toISOString(), to: new Date(to).toISOString() };
      const outcome = await send('POST', '/v1/ratings/preview', { tenant, ...span, entry });
      return narrow(within(outcome, '/entry/body'), isDifference);
    },
    events: () => list(`/v1/usage-events${queryOf({ limit: String(EVENTS_SHOWN) })}`),
    estimate: async (body) =>
      narrow(within(await send('POST', '/v1/estimates', body), '/price'), isEstimate),
    keys: () => all('/v1/api-keys'),
    createKey: async (body) => narrow(await send('POST', '/v1/api-keys', body), isNewKey),
    revokeKey: async (id) =>
      narrow(await send('POST', `/v1/api-keys/${encodeURIComponent(id)}/revoke`, {}), isKey),
    letters: async (filter, cursor) => {
      const query = queryOf({ ...filter, cursor: cursor ?? '', limit: String(LETTERS_PAGE) });
      return narrow(await send('GET', `/v1/dead-letters${query}`), isPage<DeadLetter>);
    },
    letter: async (id) => narrow(await send('GET', letterPath(id)), isWholeLetter),
    actOnLetter: async (id, act) =>
      narrow(await send('POST', `${letterPath(id)}/${act}`, {}), isLetter),
    actOnLetters: async (chosen, act) =>
      narrow(
        resolvedOf(await send('POST', `/v1/dead-letters/${act}`, chosenBody(chosen))),
        isResolved,
      ),
    acts: () => list(`/v1/metering/acts${queryOf({ limit: String(ACTS_SHOWN) })}`),
  };
}

/** Where usage is read or downloaded. */
export function usageHref(question: UsageQuestion, format: 'json' | 'csv'): string {
  const query = queryOf({
    tenant: question.tenant ?? '',
    sku: question.sku ?? '',
    unit: question.unit ?? '',
    from: new Date(question.from).toISOString(),
    to: new Date(question.to).toISOString(),
    granularity: question.granularity,
    time_zone: question.timeZone,
    group_by: question.groupBy.join(','),
    format,
  });
  return `/v1/usage${query}`;
}

/** Where a statement is read, downloaded or printed. */
export function statementHref(
  tenant: string,
  at: string,
  format: 'json' | 'csv' | 'html',
  lang = '',
): string {
  return `/v1/statements/${encodeURIComponent(tenant)}${queryOf({ at, format, lang })}`;
}

function entryPath(kind: EditedKind, id: string): string {
  return `/v1/${kind}s/${encodeURIComponent(id)}`;
}

function letterPath(id: string): string {
  return `/v1/dead-letters/${encodeURIComponent(id)}`;
}

/** What is empty is not asked. */
function queryOf(parameters: Readonly<Record<string, string>>): string {
  const named = Object.entries(parameters).filter(([, value]) => value !== '');
  return named.length === 0 ? '' : `?${new URLSearchParams(named)}`;
}

/** What is wrong with a part of the body, with pointers into that part. */
function within(outcome: Outcome<unknown>, part: string): Outcome<unknown> {
  if (outcome.ok) return outcome;
  const errors = outcome.problem.errors.map((error) => ({
    ...error,
    pointer: error.pointer.startsWith(`${part}/`)
      ? error.pointer.slice(part.length)
      : error.pointer,
  }));
  return { ok: false, problem: { ...outcome.problem, errors } };
}

function itemsOf<T>(outcome: Outcome<{ readonly items: readonly T[] }>): Outcome<readonly T[]> {
  return outcome.ok ? { ok: true, value: outcome.value.items } : outcome;
}

function isList<T>(value: unknown): value is { readonly items: readonly T[] } {
  return isRecord(value) && Array.isArray(value.items);
}

function isPage<T>(value: unknown): value is Page<T> {
  return isList(value) && 'nextCursor' in value;
}

function isOverview(value: unknown): value is Overview {
  return isRecord(value) && Array.isArray(value.partitions) && isRecord(value.deadLetters);
}

function isUsage(value: unknown): value is UsageAnswer {
  return isRecord(value) && Array.isArray(value.data);
}

function isStatement(value: unknown): value is Statement {
  return isRecord(value) && Array.isArray(value.periods) && Array.isArray(value.totals);
}

/** A member that no entry of another kind has in this type. */
const TELLING: {
  readonly [Kind in EditedKind]: (entry: Readonly<Record<string, unknown>>) => boolean;
} = {
  product: ({ name }) => typeof name === 'string',
  threshold: ({ amount }) => typeof amount === 'string',
  price: ({ model }) => typeof model === 'string',
  contract: ({ prices }) => Array.isArray(prices),
};

function isEntry<Kind extends EditedKind>(kind: Kind) {
  return (value: unknown): value is EditedEntries[Kind] =>
    isRecord(value) && typeof value.version === 'number' && TELLING[kind](value);
}

function isDifference(value: unknown): value is Difference {
  return isRecord(value) && Array.isArray(value.lines) && Array.isArray(value.totals);
}

function isEstimate(value: unknown): value is Estimate {
  return isRecord(value) && Array.isArray(value.charges) && Array.isArray(value.unpriced);
}

function isKey(value: unknown): value is ApiKey {
  return isRecord(value) && typeof value.id === 'string' && Array.isArray(value.scopes);
}

function isNewKey(value: unknown): value is ApiKey & { readonly secret: string } {
  return isKey(value) && 'secret' in value && typeof value.secret === 'string';
}

function isLetter(value: unknown): value is DeadLetter {
  return isRecord(value) && typeof value.state === 'string' && isRecord(value.origin);
}

function isWholeLetter(value: unknown): value is WholeLetter {
  return isLetter(value) && 'bytes' in value && typeof value.bytes === 'string';
}

/** The server's filter has no state: it looks at PENDING ones alone. */
function chosenBody(chosen: ChosenLetters) {
  if ('ids' in chosen) return chosen;
  const { state: _state, ...wanted } = chosen.filter;
  const named = Object.entries(wanted).filter(([, value]) => value !== '');
  const filter = Object.fromEntries(named);
  return chosen.cursor === undefined ? { filter } : { filter, cursor: chosen.cursor };
}

/** Results one by one, told as those of a filter are. */
function resolvedOf(outcome: Outcome<unknown>): Outcome<unknown> {
  if (!outcome.ok || !isRecord(outcome.value) || !Array.isArray(outcome.value.results)) {
    return outcome;
  }
  const results = outcome.value.results.filter(isRecord);
  const failed = results
    .filter(({ result }) => result !== 'resolved')
    .map(({ id, result, code, detail = '' }) => ({ id, code: code ?? codeOf(result), detail }));
  const resolved = results.length - failed.length;
  return { ok: true, value: { resolved, failed, nextCursor: null } };
}

function codeOf(result: unknown): string {
  return result === 'not_found' ? 'dead_letter_not_found' : 'dead_letter_state';
}

function isResolved(value: unknown): value is LettersResolved {
  return (
    isRecord(value) &&
    typeof value.resolved === 'number' &&
    Array.isArray(value.failed) &&
    value.failed.every(isFailure)
  );
}

function isFailure(value: unknown): value is LetterFailure {
  return (
    isRecord(value) && [value.id, value.code, value.detail].every((x) => typeof x === 'string')
  );
}
