/** The journal's sums hold whatever the order in which answers come. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { DeliveryJournal } from './delivery-journal.ts';

test('every item is in one state, and the states add up to all of them', () => {
  const act = fc.record({
    item: fc.nat({ max: 9 }),
    what: fc.constantFrom('sent', 'accepted', 'refused', 'lost', 'again'),
  });
  fc.assert(
    fc.property(fc.array(act, { maxLength: 60 }), (acts) => {
      const journal = new DeliveryJournal(10);
      const sent = new Set<number>();
      for (const { item, what } of acts) {
        if (what === 'sent' || !sent.has(item)) {
          if (!sent.has(item)) journal.sent(item);
          sent.add(item);
        } else if (what === 'accepted') journal.accepted(item);
        else if (what === 'refused') journal.refused(item, 'no');
        else if (what === 'lost') journal.lost(item);
        else journal.departedAgain(item);
      }
      const { accepted, rejected, unknown, unsent, ...totals } = journal.totals();
      expect(totals.sent).toBe(sent.size);
      expect(accepted + rejected + unknown).toBe(sent.size);
      expect(unsent).toBe(10 - sent.size);
    }),
  );
});
