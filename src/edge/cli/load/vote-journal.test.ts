/** The journal never calls a vote refused that may have been logged, and loses none. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { VoteJournal } from './vote-journal.ts';

const BASE = Date.UTC(2026, 10, 21);

describe('a vote journal', () => {
  test('keeps option, id time and tries of each vote', () => {
    const journal = new VoteJournal(3, BASE);
    journal.departed(0, 4, BASE);
    journal.departed(1, 99, BASE + 3_600_000);
    journal.departedAgain(1);
    expect([journal.optionOf(0), journal.idTimeOf(0), journal.triesOf(0)]).toEqual([4, BASE, 1]);
    expect([journal.optionOf(1), journal.idTimeOf(1), journal.triesOf(1)]).toEqual([
      99,
      BASE + 3_600_000,
      2,
    ]);
    expect([0, 1, 2].map((vote) => journal.stateOf(vote))).toEqual(['sent', 'sent', 'unsent']);
  });

  test('calls a vote rejected only where no earlier try can have been logged', () => {
    const journal = new VoteJournal(3, BASE);
    for (const vote of [0, 1, 2]) journal.departed(vote, 0, BASE);
    expect(journal.refused(0, 'poll_closed')).toBe('rejected');
    journal.lost(1);
    expect(journal.refused(1, 'poll_closed')).toBe('unknown');
    journal.lost(2);
    journal.accepted(2);
    expect([0, 1, 2].map((vote) => journal.stateOf(vote))).toEqual([
      'rejected',
      'unknown',
      'accepted',
    ]);
  });

  test('never takes an acknowledgement back', () => {
    const journal = new VoteJournal(1, BASE);
    journal.departed(0, 0, BASE);
    journal.accepted(0);
    journal.lost(0);
    expect(journal.refused(0, 'id_expired')).toBe('accepted');
    expect(journal.totals().accepted).toBe(1);
  });

  test('puts every vote into exactly one total, by codes for the refused', () => {
    const step = fc.record({
      vote: fc.nat({ max: 9 }),
      act: fc.constantFrom('depart', 'accept', 'refuse', 'lose'),
      code: fc.constantFrom('overloaded', 'poll_closed'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const journal = new VoteJournal(10, BASE);
        for (const { vote, act, code } of steps) {
          const unsent = journal.stateOf(vote) === 'unsent';
          if (act === 'depart' && unsent) journal.departed(vote, 1, BASE);
          else if (unsent) continue;
          else if (act === 'accept') journal.accepted(vote);
          else if (act === 'refuse') journal.refused(vote, code);
          else journal.lost(vote);
        }
        const totals = journal.totals();
        expect(totals.sent + totals.unsent).toBe(10);
        expect(totals.accepted + totals.rejected + totals.unknown).toBe(totals.sent);
        const byCode = Object.values(totals.rejectedByCode).reduce((sum, n) => sum + n, 0);
        expect(byCode).toBe(totals.rejected);
      }),
    );
  });

  test('stays bounded when a server invents codes', () => {
    const journal = new VoteJournal(1_000, BASE);
    for (let vote = 0; vote < 1_000; vote += 1) {
      journal.departed(vote, 0, BASE);
      journal.refused(vote, `code_${vote}`);
    }
    const { rejected, rejectedByCode } = journal.totals();
    expect(rejected).toBe(1_000);
    expect(Object.keys(rejectedByCode).length).toBe(255);
    expect(rejectedByCode.code_254).toBe(746);
  });
});
