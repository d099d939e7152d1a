/**
 * The audit of rating: usage as the ledger has it against usage as the rating book has it, and every
 * charge against what the same usage and the same terms come to when they are reckoned anew.
 */
import { formatDecimal } from '../../domain/counting/decimal.ts';
import type { Charge } from '../../domain/metering/charge.ts';
import { rerateDifference } from '../../domain/metering/rating-difference.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import { askUsage, END_OF_TIME, windowBounds } from './ask-usage.ts';
import {
  compareUsage,
  type DifferenceList,
  type MeteringDifference,
} from './metering-difference.ts';
import { type ReckoningDeps, reckon } from './reckoning.ts';
import { type UsageOnItsWay, type UsageWayDeps, usageOnItsWay } from './usage-on-its-way.ts';

export interface AuditRatingDeps extends UsageWayDeps {
  readonly ledger: Pick<PulseLedger, 'usage' | 'pendingUsage'>;
  readonly book: ReckoningDeps['book'] & Pick<RatingBook, 'checkpoint' | 'tenants' | 'due'>;
  readonly view: ReckoningDeps['view'];
  readonly digest: ReckoningDeps['digest'];
  readonly clock: Pick<Clock, 'now'>;
  /** Waits until what was on its way should have arrived. */
  readonly pause: () => Promise<void>;
  readonly startsOf: (tenant: string) => readonly number[];
}

export interface RatingAudit {
  /** Windows on their way to rating: not compared. */
  readonly onTheirWay: number;
  /** More windows are on their way than can be told apart: usage was not compared. */
  readonly isTooMuchOnItsWay: boolean;
  /** Tenants whose charges were reckoned anew. */
  readonly reckoned: number;
  /** Tenants that wait to be rated: their charges were not compared. */
  readonly waiting: number;
  readonly charges: number;
}

/** How often what differs is looked at: what runs on meanwhile differs once, what is wrong always. */
const LOOKS_MAX = 4;
const DUE_MAX = 10_000;
const BOOK = 'rating book';

/** Adds what differs to `differences`. @throws as the stores. */
export async function auditRating(
  deps: AuditRatingDeps,
  tenants: readonly string[],
  differences: DifferenceList,
): Promise<RatingAudit> {
  const all = [...new Set([...tenants, ...(await deps.book.tenants(0, END_OF_TIME))])].sort();
  let way: UsageOnItsWay | null = null;
  let usage = new Map<string, readonly MeteringDifference[]>();
  for (let look = 0; look < LOOKS_MAX && (look === 0 || usage.size > 0); look += 1) {
    if (look > 0) await deps.pause();
    const positions = await positionsOf(deps);
    usage = await compareBook(deps, look === 0 ? all : [...usage.keys()]);
    way = await usageOnItsWay(deps, positions);
    if (way === null) break;
    usage = without(usage, way);
  }
  if (way !== null) differences.add(...[...usage.values()].flat());

  const moving = way?.tenants ?? new Set(all);
  const still = all.filter((tenant) => !moving.has(tenant));
  const { lines, reckoned, charges } = await reckonAnew(deps, still);
  differences.add(...lines);
  return {
    onTheirWay: way?.windows ?? 0,
    isTooMuchOnItsWay: way === null,
    reckoned,
    waiting: all.length - reckoned,
    charges,
  };
}

async function positionsOf({ usageLog, book }: AuditRatingDeps): Promise<readonly number[]> {
  const partitions = Array.from({ length: usageLog?.description.partitions ?? 0 }, (_, at) => at);
  return Promise.all(partitions.map(async (one) => (await book.checkpoint(one)).nextOffset));
}

async function compareBook(
  { ledger, book, startsOf }: AuditRatingDeps,
  tenants: readonly string[],
): Promise<Map<string, readonly MeteringDifference[]>> {
  const differing = new Map<string, readonly MeteringDifference[]>();
  for (const tenant of tenants) {
    const bounds = windowBounds(startsOf(tenant));
    // The book first: what the ledger has more by then is on its way.
    const found = await askUsage(book, tenant, bounds);
    const expected = await askUsage(ledger, tenant, bounds);
    const lines = compareUsage({ store: BOOK, expected, found, lanes: [], isWhole: true });
    if (lines.length > 0) differing.set(tenant, lines);
  }
  return differing;
}

function without(
  differing: ReadonlyMap<string, readonly MeteringDifference[]>,
  way: UsageOnItsWay,
): Map<string, readonly MeteringDifference[]> {
  const left = new Map<string, readonly MeteringDifference[]>();
  for (const [tenant, lines] of differing) {
    const rest = lines.filter(
      ({ series, window }) => series === null || window === null || !way.has(series, window),
    );
    if (rest.length > 0) left.set(tenant, rest);
  }
  return left;
}

async function reckonAnew(
  deps: AuditRatingDeps,
  tenants: readonly string[],
): Promise<{
  readonly lines: readonly MeteringDifference[];
  readonly reckoned: number;
  readonly charges: number;
}> {
  let left = tenants;
  let lines: readonly MeteringDifference[] = [];
  const charges = new Map<string, number>();
  for (let look = 0; look < LOOKS_MAX && left.length > 0; look += 1) {
    if (look > 0) await deps.pause();
    const due = new Set((await deps.book.due(DUE_MAX)).map(({ tenant }) => tenant));
    const again: string[] = [];
    lines = [];
    for (const tenant of left) {
      charges.delete(tenant);
      if (due.has(tenant)) again.push(tenant);
      else {
        const found = await reckonTenant(deps, tenant);
        charges.set(tenant, found.charges);
        if (found.lines.length > 0) again.push(tenant);
        lines = [...lines, ...found.lines];
      }
    }
    left = again;
  }
  const total = [...charges.values()].reduce((sum, count) => sum + count, 0);
  return { lines, reckoned: charges.size, charges: total };
}

async function reckonTenant(
  { book, view, digest, clock, startsOf }: AuditRatingDeps,
  tenant: string,
): Promise<{ readonly lines: readonly MeteringDifference[]; readonly charges: number }> {
  const starts = startsOf(tenant);
  const [from, last] = [starts[0], starts.at(-1)];
  if (from === undefined || last === undefined) return { lines: [], charges: 0 };
  const span = { tenant, from, to: last + USAGE_WINDOW_MS };
  const input = { ...span, now: clock.now(), due: null, finish: new Set<string>() };
  const { change, before } = await reckon({ book, view, digest }, input);
  const { lines } = rerateDifference(before, change.charges);
  return {
    charges: before.length,
    lines: lines.flatMap((line) => {
      const charge = line.after ?? line.before;
      if (charge === null) return [];
      const { id, series, from: start, to: end } = charge;
      return [
        {
          store: 'charges',
          partitions: [],
          series,
          window: { from: start, to: end },
          what: `charge ${id}`,
          expected: amountsOf(line.after),
          found: amountsOf(line.before),
        },
      ];
    }),
  };
}

function amountsOf(charge: Charge | null): string {
  if (charge === null) return 'none';
  const { rounded, currency, quantity, pulses } = charge;
  return `${formatDecimal(rounded)} ${currency} for ${formatDecimal(quantity)} in ${pulses}`;
}
