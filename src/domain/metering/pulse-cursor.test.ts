import { describe, expect, test } from 'bun:test';
import { conflictCursorAt, conflictPlaceAt, pulseCursorAt, pulsePlaceAt } from './pulse-cursor.ts';

describe('cursors of pulses and conflicts', () => {
  test('name a place, and are read back as it', () => {
    for (const occurredAt of [0, Date.UTC(9999, 11, 31)]) {
      const place = { occurredAt, key: '0123456789abcdef'.repeat(2) };
      expect(pulsePlaceAt(pulseCursorAt(place))).toEqual(place);
    }
    const place = { receivedAt: Date.UTC(2026, 1, 1), arrival: 123_456_789 };
    expect(conflictPlaceAt(conflictCursorAt(place))).toEqual(place);
  });

  test.each(['', '1', '1.', '.1', '-1.1', '1.1 ', `1.${'g'.repeat(32)}`, `1.${'a'.repeat(33)}`])(
    'are refused where nobody gave them out: %j',
    (cursor) => {
      const refused = expect.objectContaining({ code: 'invalid_query' });
      expect(() => pulsePlaceAt(cursor)).toThrow(refused);
      expect(() => conflictPlaceAt(cursor)).toThrow(refused);
    },
  );
});
