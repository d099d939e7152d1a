/**
 * The balance sheet of a run: the journal of what was sent against the server's own list of what it
 * holds, id by id.
 *
 * Exact means: sent = accepted + rejected + unknown; accepted ⊆ counted ⊆ accepted ∪ unknown; no id
 * twice; every option as it was sent; and results that moved by at least what was counted.
 */

import type { JournalTotals } from './delivery-journal.ts';
import type { VoteIds } from './vote-ids.ts';
import type { VoteJournal } from './vote-journal.ts';

/** One line of `GET /v1/polls/{poll}/export?what=votes`. */
export interface ExportedVote {
  /** id16 as 32 hex digits. */
  readonly id: string;
  readonly option: string;
  /** `counted`, `voided`, `late` or `expired`. */
  readonly state: string;
}

/** Votes per option, by option id. */
export type OptionCounts = Readonly<Record<string, number>>;

/**
 * - `sums_differ`: the journal's totals are not what was noted while votes left and answers came.
 * - `lost`: acknowledged, but not in the export.
 * - `not_counted`: acknowledged, in the export, but as late or expired.
 * - `twice`: one id, more than one row.
 * - `rejected_counted`: refused for good, but counted.
 * - `never_sent`: counted under an id of this run that never left.
 * - `wrong_option`: counted for another option than the vote was for.
 * - `wrong_answer`: answers that carried another id than the request's.
 * - `results_behind`: an option's result moved by less than this run's counted votes.
 * - `results_differ`: the results and the export, both at rest, count an option differently.
 * - `server_inconsistent`: the server says itself that its stores differ.
 */
export type ViolationKind =
  | 'sums_differ'
  | 'lost'
  | 'not_counted'
  | 'twice'
  | 'rejected_counted'
  | 'never_sent'
  | 'wrong_option'
  | 'wrong_answer'
  | 'results_behind'
  | 'results_differ'
  | 'server_inconsistent';

export interface Violation {
  readonly kind: ViolationKind;
  readonly count: number;
  /** The first votes (by their keys) or options that it concerns. */
  readonly first: readonly string[];
}

export interface BalanceSheet extends JournalTotals {
  /** This run's votes that the server counts: acknowledged ones, and of unknown outcome. */
  readonly countedAccepted: number;
  readonly countedUnknown: number;
  /** Of those, the ones that an operator has voided since. */
  readonly voided: number;
  /** Counted votes of other voters in the same poll. */
  readonly others: number;
  readonly violations: readonly Violation[];
  readonly exact: boolean;
}

/** What was noted outside the journal while the run went on, to be compared with it. */
export interface RunNotes {
  readonly sent: number;
  readonly accepted: number;
  readonly rejected: number;
  readonly wrongAnswers: readonly string[];
}

/** What the server says of itself, beside the export. */
export interface ResultsSeen {
  readonly before: OptionCounts;
  readonly after: OptionCounts;
  /** Whether nothing was counted while the export was read, so that it must equal `after`. */
  readonly atRest: boolean;
  /** How the server's own check says that its stores differ; null where it does not. */
  readonly inconsistency: string | null;
}

const NAMED_MAX = 10;
const COUNTED = 1;
const PRESENT = 2;

export class BalanceCheck {
  readonly #journal: VoteJournal;
  readonly #ids: VoteIds;
  readonly #options: readonly string[];
  readonly #seen: Uint8Array;
  readonly #found = new Map<ViolationKind, { count: number; first: string[] }>();
  readonly #mine: number[];
  readonly #all: Map<string, number>;
  #voided = 0;
  #others = 0;

  /** `options` are the option ids by the journal's option numbers. */
  constructor(journal: VoteJournal, ids: VoteIds, options: readonly string[]) {
    this.#journal = journal;
    this.#ids = ids;
    this.#options = options;
    this.#seen = new Uint8Array(journal.total);
    this.#mine = options.map(() => 0);
    this.#all = new Map(options.map((option) => [option, 0]));
  }

  /** Takes the next row of the export, in any order. */
  add({ id, option, state }: ExportedVote): void {
    if (state === 'counted') this.#all.set(option, (this.#all.get(option) ?? 0) + 1);
    const counts = state === 'counted' || state === 'voided';
    const found = this.#ids.find(id);
    if (found === null) {
      if (counts) this.#others += 1;
      return;
    }
    const { index: vote, time } = found;
    const sent =
      vote < this.#journal.total &&
      this.#journal.stateOf(vote) !== 'unsent' &&
      this.#journal.idTimeOf(vote) === time;
    if (!sent) {
      this.#note('never_sent', this.#ids.uuid(vote, time));
      return;
    }
    // A retry behind the poll's CLOSE may stand as late beside its counted first try.
    const seen = this.#seen[vote] as number;
    this.#seen[vote] = seen | (counts ? COUNTED : PRESENT);
    if (!counts) return;
    if ((seen & COUNTED) !== 0) {
      this.#note('twice', this.#keyOf(vote));
      return;
    }
    if (state === 'voided') this.#voided += 1;
    const sentOption = this.#journal.optionOf(vote);
    if (this.#options[sentOption] !== option) this.#note('wrong_option', this.#keyOf(vote));
    else if (state === 'counted') this.#mine[sentOption] = (this.#mine[sentOption] ?? 0) + 1;
  }

  /** Draws the sheet, after the last row. */
  conclude(notes: RunNotes, results: ResultsSeen): BalanceSheet {
    const totals = this.#journal.totals();
    let countedAccepted = 0;
    let countedUnknown = 0;
    for (let vote = 0; vote < this.#journal.total; vote += 1) {
      const counted = ((this.#seen[vote] as number) & COUNTED) !== 0;
      const state = this.#journal.stateOf(vote);
      if (state === 'accepted') {
        if (counted) countedAccepted += 1;
        else this.#note(this.#seen[vote] === 0 ? 'lost' : 'not_counted', this.#keyOf(vote));
      } else if (counted) {
        if (state === 'rejected') this.#note('rejected_counted', this.#keyOf(vote));
        else countedUnknown += 1;
      }
    }
    this.#compareSums(totals, notes);
    for (const words of this.#resultsBehind(results)) this.#note('results_behind', words);
    for (const words of this.#resultsOff(results)) this.#note('results_differ', words);
    if (results.inconsistency !== null) this.#note('server_inconsistent', results.inconsistency);
    for (const key of notes.wrongAnswers) this.#note('wrong_answer', key);
    const violations = Array.from(this.#found, ([kind, found]) => ({ kind, ...found }));
    return {
      ...totals,
      countedAccepted,
      countedUnknown,
      voided: this.#voided,
      others: this.#others,
      violations,
      exact: violations.length === 0,
    };
  }

  #compareSums(totals: JournalTotals, notes: RunNotes): void {
    const pairs = [
      ['sent', totals.sent, notes.sent],
      ['accepted', totals.accepted, notes.accepted],
      ['rejected', totals.rejected, notes.rejected],
      ['sum', totals.accepted + totals.rejected + totals.unknown, totals.sent],
    ] as const;
    for (const [name, journal, noted] of pairs) {
      if (journal !== noted) this.#note('sums_differ', `${name}: ${journal}, noted ${noted}`);
    }
  }

  /** Whether the results agree with the rows so far: they may follow the export by a moment. */
  agreesWith(results: ResultsSeen): boolean {
    return this.#resultsBehind(results).length + this.#resultsOff(results).length === 0;
  }

  #resultsBehind({ before, after }: ResultsSeen): string[] {
    return this.#options.flatMap((option, number) => {
      const moved = (after[option] ?? 0) - (before[option] ?? 0);
      const mine = this.#mine[number] ?? 0;
      return moved < mine ? [`${option}: moved ${moved}, counted ${mine}`] : [];
    });
  }

  #resultsOff({ after, atRest }: ResultsSeen): string[] {
    if (!atRest) return [];
    return Array.from(this.#all).flatMap(([option, exported]) => {
      const shown = after[option] ?? 0;
      return shown === exported ? [] : [`${option}: results ${shown}, export ${exported}`];
    });
  }

  #keyOf(vote: number): string {
    return this.#ids.uuid(vote, this.#journal.idTimeOf(vote));
  }

  #note(kind: ViolationKind, name: string): void {
    const found = this.#found.get(kind) ?? { count: 0, first: [] };
    found.count += 1;
    if (found.first.length < NAMED_MAX) found.first.push(name);
    this.#found.set(kind, found);
  }
}
