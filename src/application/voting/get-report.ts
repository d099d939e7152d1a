/** Draws a poll's report up from the ledger's windows and books: what a network and its auditors put on paper. */
import type { Checkpoint } from '../../domain/counting/checkpoint.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import {
  type ComparedPoll,
  comparedPoll,
  hoursIn,
  isFinal,
  type ReportBooks,
  type ReportFigures,
  type ReportSource,
  reportFigures,
  votingRange,
} from '../../domain/voting/report.ts';
import { type Audience, isPollShown, resultsDisclosure } from '../../domain/voting/visibility.ts';
import type { Catalogue, OperatorAct } from '../../ports/catalogue.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { PollReaderDeps } from './get-poll.ts';
import { ACTS_PAGE_MAX } from './list-acts.ts';

/** Polls that may stand beside the one that is reported. */
export const REPORT_COMPARED_MAX = 8;
/** As many rows as a table may have: a year of hours. */
export const REPORT_HOURS_MAX = 9_000;
/** The newest acts that a report lists. */
export const REPORT_ACTS_MAX = 1_000;
/** While votes come in windows and books are read again, this often at most, until they agree. */
const READS_MAX = 3;
/** Past every minute that a clock can show. */
const MINUTES_END = 2 ** 31 - 1;

/** The acts that take votes off a count and bring them back. */
const VOIDING_ACTS: ReadonlySet<string> = new Set(['void', 'restore']);

/** What was last found when log, tally and ledger were compared. */
export interface ConsistencyStatement {
  readonly state: 'consistent' | 'different' | 'checking';
  /** ms since the Unix epoch; null before the first comparison has ended. */
  readonly checkedAt: number | null;
  readonly detail: string | null;
}

export interface GetReportDeps extends PollReaderDeps {
  readonly settings: Pick<LogSettings, 'logId' | 'partitions'>;
  /** Where a poll's votes are: polls that are compared may stand on other logs than the one reported. */
  readonly ledgerOf: (poll: Poll) => Pick<Ledger, 'windows' | 'books'>;
  readonly ledgerCheckpoint: (partition: number) => Promise<Pick<Checkpoint, 'nextOffset'>>;
  readonly catalogue: Pick<Catalogue, 'acts'>;
  readonly consistency: () => ConsistencyStatement;
}

/** How far the ledger had followed the log before the counts were read: they hold at least that. */
export interface ReportStanding {
  /** When reading began, ms since the Unix epoch. */
  readonly asOf: number;
  /** Sum of the next offsets. */
  readonly version: number;
  readonly offsets: readonly { readonly partition: number; readonly next: number }[];
}

/** What is for operators: who did what, and whether the stores agree. */
export interface ReportRecord {
  /** Oldest first. */
  readonly acts: readonly OperatorAct[];
  /** Whether there are older acts than those. */
  readonly actsLeftOff: boolean;
  /** Of the acts those that took votes off the count or brought them back, with their reasons. */
  readonly voids: readonly OperatorAct[];
  readonly consistency: ConsistencyStatement;
}

export interface PollReport extends Omit<ReportFigures, 'books'> {
  /** As shown at `now`. */
  readonly poll: Poll;
  readonly logId: string;
  /** False: votes are still being counted. */
  readonly final: boolean;
  /** When the last store had passed the poll's CLOSE; null before that. */
  readonly closedAt: number | null;
  /** Null for who is no operator until the count is final: flagged votes would be told while they come. */
  readonly books: ReportBooks | null;
  readonly standing: ReportStanding;
  readonly record: ReportRecord | null;
  /** The poll itself, then those that were asked for; null where none were. */
  readonly comparison: readonly ComparedPoll[] | null;
}

export type GetReportResult =
  | { readonly kind: 'ok'; readonly report: PollReport; readonly now: number }
  | { readonly kind: 'poll_not_found'; readonly poll: string }
  /** Results of this poll are hidden from the audience, or not shown as counts. */
  | { readonly kind: 'forbidden'; readonly poll: string }
  | { readonly kind: 'range_too_long'; readonly poll: string; readonly hoursMax: number };

export interface GetReportInput {
  readonly poll: string;
  readonly audience: Audience;
  /** At most REPORT_COMPARED_MAX; the edge has checked. */
  readonly compare: readonly string[];
}

export async function getReport(
  deps: GetReportDeps,
  input: GetReportInput,
): Promise<GetReportResult> {
  const now = deps.clock.now();
  const { audience } = input;
  const shown = shownPoll(deps, input.poll, audience, now);
  if (shown.kind !== 'ok') return shown;
  const { poll } = shown;
  const others: Poll[] = [];
  for (const id of input.compare) {
    const other = shownPoll(deps, id, audience, now);
    if (other.kind !== 'ok') return other;
    others.push(other.poll);
  }
  const standing = await readStanding(deps, now);
  const source = await readSource(deps.ledgerOf(poll), poll);
  if (isTooLong(source, now)) return tooLong(poll);
  const comparison: ComparedPoll[] = [];
  for (const beside of others) {
    const read = await readSource(deps.ledgerOf(beside), beside);
    if (isTooLong(read, now)) return tooLong(beside);
    // What is compared is small; the minutes that it came from are let go.
    comparison.push(comparedPoll(read, now));
  }
  const { books, ...figures } = reportFigures(source, now);
  const { acts, leftOff } = await readActs(deps.catalogue, poll.id);
  const final = isFinal(poll.state);
  const report: PollReport = {
    poll,
    logId: deps.settings.logId,
    final,
    closedAt: final ? (acts.findLast(({ act }) => act === 'closed')?.at ?? null) : null,
    ...figures,
    books: audience === 'operator' || final ? books : null,
    standing,
    record:
      audience === 'operator'
        ? {
            acts,
            actsLeftOff: leftOff,
            voids: acts.filter(({ act }) => VOIDING_ACTS.has(act)),
            consistency: deps.consistency(),
          }
        : null,
    comparison: others.length === 0 ? null : [comparedPoll(source, now), ...comparison],
  };
  return { kind: 'ok', report, now };
}

type Refusal = Exclude<GetReportResult, { readonly kind: 'ok' }>;

function shownPoll(
  { directory }: GetReportDeps,
  id: string,
  audience: Audience,
  now: number,
): Refusal | { readonly kind: 'ok'; readonly poll: Poll } {
  const poll = directory.shown(id, now);
  if (poll === undefined || !isPollShown(poll, audience)) {
    return { kind: 'poll_not_found', poll: id };
  }
  const disclosure = resultsDisclosure(poll, audience, now);
  const areCountsShown = disclosure.visible && disclosure.detail === 'count';
  return areCountsShown ? { kind: 'ok', poll } : { kind: 'forbidden', poll: id };
}

async function readStanding(deps: GetReportDeps, asOf: number): Promise<ReportStanding> {
  const offsets: { readonly partition: number; readonly next: number }[] = [];
  let version = 0;
  for (let partition = 0; partition < deps.settings.partitions; partition += 1) {
    const { nextOffset } = await deps.ledgerCheckpoint(partition);
    offsets.push({ partition, next: nextOffset });
    version += nextOffset;
  }
  return { asOf, version, offsets };
}

/**
 * Windows and books are two questions, and votes may come in between. They are asked again until
 * they agree; where votes come too fast for that, the report says that its books are not balanced.
 */
async function readSource(
  ledger: ReturnType<GetReportDeps['ledgerOf']>,
  poll: Poll,
): Promise<ReportSource> {
  for (let reads = 1; ; reads += 1) {
    const minutes = await ledger.windows(poll.id, 0, MINUTES_END);
    const books = await ledger.books(poll.id);
    const counted = minutes.reduce((sum, { count }) => sum + count, 0);
    if (counted === books.counted || reads === READS_MAX) return { poll, minutes, books };
  }
}

function isTooLong(source: ReportSource, now: number): boolean {
  return hoursIn(votingRange(source, now)) > REPORT_HOURS_MAX;
}

function tooLong(poll: Poll): Refusal {
  return { kind: 'range_too_long', poll: poll.id, hoursMax: REPORT_HOURS_MAX };
}

async function readActs(
  catalogue: GetReportDeps['catalogue'],
  poll: string,
): Promise<{ readonly acts: readonly OperatorAct[]; readonly leftOff: boolean }> {
  const acts: OperatorAct[] = [];
  let cursor: string | null = null;
  do {
    const page = await catalogue.acts(poll, cursor, ACTS_PAGE_MAX);
    acts.push(...page.acts);
    cursor = page.nextCursor;
  } while (cursor !== null && acts.length < REPORT_ACTS_MAX);
  return { acts: acts.reverse(), leftOff: cursor !== null };
}
