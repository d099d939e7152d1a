/** Proves that a results token opens its own poll for its own day, and nothing else. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import {
  createResultsTokens,
  isResultsTokenShaped,
  RESULTS_TOKEN_VALID_MS,
} from './results-token.ts';

const SECRET = new Uint8Array(32).fill(7);
const NOW = Date.UTC(2026, 10, 21, 20, 0, 30);
const tokens = createResultsTokens(SECRET);
const token = tokens.issue('final', NOW);

describe('a results token', () => {
  test('opens the poll that it was issued for, until its day is over', () => {
    expect(tokens.verify('final', token, NOW)).toBe(true);
    expect(tokens.verify('final', token, NOW + RESULTS_TOKEN_VALID_MS)).toBe(true);
    expect(tokens.verify('final', token, NOW + RESULTS_TOKEN_VALID_MS + 60_000)).toBe(false);
  });

  test('opens no other poll', () => {
    expect(tokens.verify('semifinal', token, NOW)).toBe(false);
  });

  test('still opens the poll after a restart with the same secret, and not with another', () => {
    expect(createResultsTokens(SECRET).verify('final', token, NOW)).toBe(true);
    expect(createResultsTokens(new Uint8Array(32)).verify('final', token, NOW)).toBe(false);
  });

  test('is the same for everybody in a minute and another in the next', () => {
    expect(tokens.issue('final', NOW + 29_999)).toBe(token);
    expect(tokens.issue('final', NOW + 30_000)).not.toBe(token);
  });

  test('of a server whose clock is a minute ahead opens, of one further ahead does not', () => {
    expect(tokens.verify('final', tokens.issue('final', NOW + 60_000), NOW)).toBe(true);
    expect(tokens.verify('final', tokens.issue('final', NOW + 120_000), NOW)).toBe(false);
  });

  test('goes into a header as it is', () => {
    expect(isResultsTokenShaped(token)).toBe(true);
    expect(token).toHaveLength(48);
  });

  test('with any character changed opens nothing', () => {
    fc.assert(
      fc.property(
        fc.nat(47),
        fc.constantFrom(...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'),
        (index, letter) => {
          fc.pre(token[index] !== letter);
          const forged = token.slice(0, index) + letter + token.slice(index + 1);
          expect(tokens.verify('final', forged, NOW)).toBe(false);
        },
      ),
    );
  });

  test('that is any other text opens nothing', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 100 }), (text) => {
        expect(tokens.verify('final', text, NOW)).toBe(false);
      }),
    );
  });

  test('stays right however many polls and minutes are asked for', () => {
    const crowded = createResultsTokens(SECRET);
    for (let index = 0; index < 3_000; index += 1) {
      const poll = `poll-${index}`;
      expect(crowded.verify(poll, crowded.issue(poll, NOW), NOW)).toBe(true);
    }
    expect(crowded.verify('final', token, NOW)).toBe(true);
    expect(crowded.issue('final', NOW)).toBe(token);
  });
});
