/** The sheet is exact for an honest server and names the vote for every way to be wrong. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  scopeSeed,
} from '../../../domain/counting/event-id.ts';
import {
  BalanceCheck,
  type BalanceSheet,
  type ExportedVote,
  type ResultsSeen,
  type RunNotes,
} from './balance-sheet.ts';
import { VoteIds } from './vote-ids.ts';
import { VoteJournal } from './vote-journal.ts';

const BASE = Date.UTC(2026, 10, 21, 20);
const OPTIONS = ['ana', 'bia', 'caio'] as const;
const ids = new VoteIds('demo', { x: 77, z: 3 });
const strangers = new VoteIds('demo', { x: 78, z: 3 });

type Fate = 'accepted' | 'rejected' | 'unknown' | 'unanswered' | 'unsent';

/** A run of one vote a fate; vote n goes to option n mod 3 at BASE + n. */
function runOf(fates: readonly Fate[]): VoteJournal {
  const journal = new VoteJournal(fates.length, BASE);
  for (const [vote, fate] of fates.entries()) {
    if (fate === 'unsent') continue;
    journal.departed(vote, vote % OPTIONS.length, BASE + vote);
    if (fate === 'accepted') journal.accepted(vote);
    if (fate === 'rejected') journal.refused(vote, 'overloaded');
    if (fate === 'unknown') journal.lost(vote);
  }
  return journal;
}

function notesOf(journal: VoteJournal): RunNotes {
  const { sent, accepted, rejected } = journal.totals();
  return { sent, accepted, rejected, wrongAnswers: [] };
}

function eventIdOf(uuid: string): string {
  const words = idWords();
  parseUuidV7(uuid, words);
  mixScope(words, scopeSeed('demo'));
  return eventIdHex(words);
}

function row(vote: number, changes: Partial<ExportedVote> = {}): ExportedVote {
  const option = OPTIONS[vote % OPTIONS.length] ?? '';
  return { id: eventIdOf(ids.uuid(vote, BASE + vote)), option, state: 'counted', ...changes };
}

/** The results that a server with these rows shows. */
function resultsOf(rows: readonly ExportedVote[]): ResultsSeen {
  const after: Record<string, number> = {};
  for (const { option, state } of rows) {
    if (state === 'counted') after[option] = (after[option] ?? 0) + 1;
  }
  return { before: {}, after, atRest: true, inconsistency: null };
}

function sheetOf(
  fates: readonly Fate[],
  rows: readonly ExportedVote[],
  { notes, results }: { notes?: RunNotes; results?: ResultsSeen } = {},
): BalanceSheet {
  const journal = runOf(fates);
  const check = new BalanceCheck(journal, ids, OPTIONS);
  for (const exported of rows) check.add(exported);
  return check.conclude(notes ?? notesOf(journal), results ?? resultsOf(rows));
}

function violationsOf(...given: Parameters<typeof sheetOf>): [string, number, readonly string[]][] {
  return sheetOf(...given).violations.map(({ kind, count, first }) => [kind, count, first]);
}

const resting: ResultsSeen = { before: {}, after: {}, atRest: true, inconsistency: null };
const keyOf = (vote: number) => ids.uuid(vote, BASE + vote);
const fates = fc.array(
  fc.constantFrom<Fate>('accepted', 'rejected', 'unknown', 'unanswered', 'unsent'),
  { minLength: 1, maxLength: 40 },
);

describe('a balance sheet', () => {
  test('is exact when every accepted and any unknown vote is counted once, in any order', () => {
    fc.assert(
      fc.property(fates, fc.infiniteStream(fc.boolean()), fc.nat(), (given, coins, turn) => {
        const mayCount = given.map((fate) => {
          const doubtful = fate === 'unknown' || fate === 'unanswered';
          return fate === 'accepted' || (doubtful && coins.next().value === true);
        });
        const rows = given.flatMap((_, vote) => (mayCount[vote] ? [row(vote)] : []));
        const at = rows.length === 0 ? 0 : turn % rows.length;
        const sheet = sheetOf(given, [...rows.slice(at), ...rows.slice(0, at)]);
        expect(sheet.violations).toEqual([]);
        expect(sheet.exact).toBe(true);
        expect(sheet.countedAccepted + sheet.countedUnknown).toBe(rows.length);
        expect(sheet.accepted + sheet.rejected + sheet.unknown).toBe(sheet.sent);
      }),
    );
  });

  test('is never exact when one row is missing, doubled, added or changed', () => {
    const harm = fc.constantFrom('drop', 'double', 'reject', 'unsent', 'option', 'late');
    fc.assert(
      fc.property(fates, fc.nat(), harm, (given, pick, how) => {
        const all: Fate[] = [...given, 'accepted', 'rejected', 'unsent'];
        const accepted = all.flatMap((fate, vote) => (fate === 'accepted' ? [vote] : []));
        const victim = accepted[pick % accepted.length] ?? 0;
        const rows = accepted.map((vote) => row(vote));
        const without = rows.filter((_, n) => accepted[n] !== victim);
        const harmed = {
          drop: without,
          double: [...rows, row(victim)],
          reject: [...rows, row(all.lastIndexOf('rejected'))],
          unsent: [...rows, row(all.lastIndexOf('unsent'))],
          option: [...without, row(victim, { option: OPTIONS[(victim + 1) % 3] ?? '' })],
          late: [...without, row(victim, { state: 'late' })],
        }[how];
        expect(sheetOf(all, harmed ?? []).exact).toBe(false);
      }),
    );
  });

  test('names an accepted vote that is not counted', () => {
    expect(violationsOf(['accepted', 'accepted'], [row(0)])).toEqual([['lost', 1, [keyOf(1)]]]);
  });

  test('names an accepted vote that came too late or expired', () => {
    const rows = [row(0, { state: 'late' }), row(1, { state: 'expired' })];
    expect(violationsOf(['accepted', 'accepted'], rows)).toEqual([
      ['not_counted', 2, [keyOf(0), keyOf(1)]],
    ]);
  });

  test('lets an unknown vote be late, expired or absent', () => {
    const rows = [row(0, { state: 'late' }), row(1, { state: 'expired' })];
    expect(sheetOf(['unknown', 'unanswered', 'unknown'], rows).exact).toBe(true);
  });

  test('names a vote that is there twice, and a sheet with as many rows as votes still fails', () => {
    expect(violationsOf(['accepted', 'accepted', 'accepted'], [row(0), row(0), row(1)])).toEqual([
      ['twice', 1, [keyOf(0)]],
      ['lost', 1, [keyOf(2)]],
    ]);
  });

  test('lets a late row stand beside the counted one of the same vote', () => {
    const late = row(0, { state: 'late' });
    expect(sheetOf(['accepted'], [row(0), late]).exact).toBe(true);
    expect(sheetOf(['accepted'], [late, row(0)]).exact).toBe(true);
    expect(sheetOf(['accepted'], [late, row(0), row(0)]).exact).toBe(false);
  });

  test('names a refused vote that is counted', () => {
    expect(violationsOf(['rejected'], [row(0)])).toEqual([['rejected_counted', 1, [keyOf(0)]]]);
  });

  test('names ids of the run that never left: unsent, beyond its end, or with another time', () => {
    const beyond = row(5);
    const otherTime = { ...row(0), id: eventIdOf(ids.uuid(0, BASE + 1)) };
    expect(violationsOf(['unknown', 'unsent'], [row(1), beyond, otherTime])).toEqual([
      ['never_sent', 3, [keyOf(1), keyOf(5), ids.uuid(0, BASE + 1)]],
    ]);
  });

  test('names a vote that is counted for another option', () => {
    const rows = [row(0, { option: 'bia' })];
    expect(violationsOf(['accepted'], rows)).toEqual([['wrong_option', 1, [keyOf(0)]]]);
  });

  test('counts a voided vote as counted once, and the results without it', () => {
    const sheet = sheetOf(['accepted', 'accepted'], [row(0), row(1, { state: 'voided' })]);
    expect(sheet.exact).toBe(true);
    expect([sheet.countedAccepted, sheet.voided]).toEqual([2, 1]);
  });

  test('passes over the votes of others', () => {
    const stranger = { ...row(0), id: eventIdOf(strangers.uuid(0, BASE)) };
    const sheet = sheetOf(['accepted'], [stranger, row(0), { ...stranger, state: 'late' }]);
    expect(sheet.exact).toBe(true);
    expect(sheet.others).toBe(1);
  });

  test('fails when the results moved by less than what was counted', () => {
    const results = { ...resting, before: { ana: 5 }, after: { ana: 5 }, atRest: false };
    expect(violationsOf(['accepted'], [row(0)], { results })).toEqual([
      ['results_behind', 1, ['ana: moved 0, counted 1']],
    ]);
    const more = { ...results, after: { ana: 9 } };
    expect(sheetOf(['accepted'], [row(0)], { results: more }).exact).toBe(true);
  });

  test('fails when results at rest differ from the export, even for others alone', () => {
    const results = { ...resting, after: { ana: 1, bia: 4 } };
    expect(violationsOf(['accepted'], [row(0)], { results })).toEqual([
      ['results_differ', 1, ['bia: results 4, export 0']],
    ]);
    const moving = { ...results, atRest: false };
    expect(sheetOf(['accepted'], [row(0)], { results: moving }).exact).toBe(true);
  });

  test('says beforehand whether the results have caught up with the rows', () => {
    const check = new BalanceCheck(runOf(['accepted']), ids, OPTIONS);
    check.add(row(0));
    expect(check.agreesWith({ ...resting, after: { ana: 0 }, atRest: false })).toBe(false);
    expect(check.agreesWith({ ...resting, after: { ana: 1 } })).toBe(true);
    expect(check.agreesWith({ ...resting, after: { ana: 2 } })).toBe(false);
    expect(check.agreesWith({ ...resting, after: { ana: 2 }, atRest: false })).toBe(true);
  });

  test('fails when the server says that its stores differ', () => {
    const inconsistency = 'tally and ledger differ in partition 0';
    const results = { ...resting, after: { ana: 1 }, inconsistency };
    expect(violationsOf(['accepted'], [row(0)], { results })).toEqual([
      ['server_inconsistent', 1, [inconsistency]],
    ]);
  });

  test('fails when the journal and the notes of the run differ', () => {
    const notes = { sent: 2, accepted: 1, rejected: 0, wrongAnswers: [] };
    expect(violationsOf(['accepted'], [row(0)], { notes })).toEqual([
      ['sums_differ', 1, ['sent: 1, noted 2']],
    ]);
  });

  test('fails when answers carried ids of other requests', () => {
    const notes = { sent: 1, accepted: 1, rejected: 0, wrongAnswers: [keyOf(0)] };
    expect(violationsOf(['accepted'], [row(0)], { notes })).toEqual([
      ['wrong_answer', 1, [keyOf(0)]],
    ]);
  });

  test('names no more than the first ten of a kind', () => {
    const [found] = sheetOf(new Array<Fate>(50).fill('accepted'), []).violations;
    expect(found?.count).toBe(50);
    expect(found?.first).toEqual(Array.from({ length: 10 }, (_, vote) => keyOf(vote)));
  });
});
