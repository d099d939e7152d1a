/** Shows what reckoning a tenant's charges anew would change, under today's terms or under one that is tried. */
import { FUTURE_MS_MAX } from '../../domain/metering/pulse.ts';
import {
  type RerateDifference,
  rerateDifference,
} from '../../domain/metering/rating-difference.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type {
  CatalogueEntries,
  EntryKind,
  MeteringCatalogue,
} from '../../ports/metering-catalogue.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import type { CatalogueView } from './catalogue-view.ts';
import { type EntryInput, proposeEntry, type Refused } from './entry-rules.ts';
import { ATTEMPTS_MAX } from './put-entry.ts';
import { type Reckoning, type ReckoningDeps, reckon } from './reckoning.ts';

export interface RerateDeps {
  readonly book: ReckoningDeps['book'] & Pick<RatingBook, 'putCharges' | 'makeDue'>;
  readonly view: Pick<CatalogueView, 'refresh' | 'all' | 'get'>;
  readonly catalogue: Pick<MeteringCatalogue, 'recordAct'>;
  readonly clock: Pick<Clock, 'now'>;
  readonly digest: ReckoningDeps['digest'];
  readonly newId: () => string;
}

/** `[from, to)`, ms: widened to whole billing periods. */
export interface RerateSpan {
  readonly tenant: string;
  readonly from: number;
  readonly to: number;
}

/**
 * What lies further ahead than a pulse may is left out: stored, charges of such a period (its minimum)
 * would not follow the contract until somebody looked at them again.
 *
 * With `apply` the difference is stored, and what is answered is what was stored. Where raters are quicker
 * every time, the tenant is left due and they store it.
 *
 * @throws as the book and the catalogue. @throws RangeError as `reckon`.
 */
export async function rerate(
  deps: RerateDeps,
  { apply, actor, ...asked }: RerateSpan & { readonly apply: boolean; readonly actor: string },
): Promise<RerateDifference> {
  const { book, view, catalogue, clock } = deps;
  const ahead = clock.now() + FUTURE_MS_MAX;
  if (asked.from > ahead) return rerateDifference([], []);
  const span = { ...asked, to: Math.min(asked.to, ahead) };
  const { tenant, from, to } = wholeWindows(span);
  await view.refresh();
  let reckoned = await reckonNow(deps, view, span);
  if (!apply) return differenceOf(reckoned);
  let stored = await book.putCharges(reckoned.change);
  for (let attempt = 1; stored === 'conflict' && attempt < ATTEMPTS_MAX; attempt += 1) {
    reckoned = await reckonNow(deps, view, span);
    stored = await book.putCharges(reckoned.change);
  }
  if (stored === 'conflict') await book.makeDue(tenant, from, to);
  const difference = differenceOf(reckoned);
  await catalogue.recordAct({
    at: clock.now(),
    actor,
    act: 'rerate',
    kind: 'tenant',
    id: tenant,
    tenant,
    detail: `${new Date(from).toISOString()}/${new Date(to).toISOString()}: ${difference.lines.length} lines`,
  });
  return difference;
}

/** What putting the entry would change of a tenant's charges; stores nothing. @throws as `rerate`. */
export async function previewEntry(
  deps: RerateDeps,
  input: EntryInput<'price' | 'contract'> & RerateSpan,
): Promise<{ readonly kind: 'ok'; readonly difference: RerateDifference } | Refused> {
  const { view, clock, newId } = deps;
  await view.refresh();
  const proposed = proposeEntry(view, input, clock.now(), newId);
  if (proposed.kind !== 'ok') return proposed;
  const tried = withEntry(view, input.kind, proposed.entry);
  return { kind: 'ok', difference: differenceOf(await reckonNow(deps, tried, input)) };
}

function reckonNow(
  { book, clock, digest }: RerateDeps,
  view: ReckoningDeps['view'],
  span: RerateSpan,
): Promise<Reckoning> {
  const nothing = new Set<string>();
  const input = { ...wholeWindows(span), now: clock.now(), due: null, finish: nothing };
  return reckon({ book, view, digest }, input);
}

function differenceOf({ before, change }: Reckoning): RerateDifference {
  return rerateDifference(before, change.charges);
}

/** The view as it would be with the entry in place of the one with its id. */
function withEntry<Tried extends 'price' | 'contract'>(
  view: ReckoningDeps['view'],
  kind: Tried,
  entry: CatalogueEntries[Tried],
): ReckoningDeps['view'] {
  const entries = view.all(kind).filter(({ id }) => id !== entry.id);
  const tried: readonly CatalogueEntries[Tried][] = [...entries, entry];
  return {
    refresh: () => view.refresh(),
    all: <Kind extends EntryKind>(of: Kind) =>
      // Of the same kind, so that they are entries of it.
      of === (kind as EntryKind) ? (tried as readonly CatalogueEntries[Kind][]) : view.all(of),
  };
}

/** One at least. */
function wholeWindows({ tenant, from, to }: RerateSpan): RerateSpan {
  const start = usageWindowOf(from);
  const end = Math.ceil(to / USAGE_WINDOW_MS) * USAGE_WINDOW_MS;
  return { tenant, from: start, to: Math.max(end, start + USAGE_WINDOW_MS) };
}
