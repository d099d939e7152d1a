import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { ApuraError } from '../errors.ts';
import {
  CHALLENGE_POLICIES,
  imagePath,
  POLL_STATES,
  type Poll,
  RESULTS_DETAILS,
  RESULTS_VISIBILITIES,
  VOTE_POLICIES,
} from './poll.ts';
import { decodePoll, decodePollRecord, encodePoll, encodePollRecord } from './poll-record.ts';

const encoder = new TextEncoder();
const bytesOf = (value: unknown) => encoder.encode(JSON.stringify(value));
const codeOf = (work: () => unknown): string | null => {
  try {
    work();
    return null;
  } catch (error) {
    return error instanceof ApuraError ? error.code : 'another error';
  }
};

const instants = fc.nat({ max: 2 ** 42 });
const names = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
const digests = fc.stringMatching(/^[0-9a-f]{64}$/);
const slugs = fc.stringMatching(/^[a-z0-9][a-z0-9-]{0,62}$/);
const orNull = <T>(values: fc.Arbitrary<T>) => fc.option(values, { nil: null });
const polls: fc.Arbitrary<Poll> = fc.record({
  id: slugs,
  log: fc.string(),
  title: names,
  options: fc.array(
    fc.record({ id: slugs, name: names, imageUrl: orNull(digests.map(imagePath)) }),
    { minLength: 2, maxLength: 5 },
  ),
  opensAt: orNull(instants),
  closesAt: orNull(instants),
  timeZone: fc.constantFrom('America/Sao_Paulo', 'UTC'),
  votePolicy: fc.constantFrom(...VOTE_POLICIES),
  challengePolicy: fc.constantFrom(...CHALLENGE_POLICIES),
  resultsVisibility: fc.constantFrom(...RESULTS_VISIBILITIES),
  resultsDetail: fc.constantFrom(...RESULTS_DETAILS),
  look: fc.record({
    accentColor: orNull(fc.stringMatching(/^#[0-9a-f]{6}$/)),
    logoUrl: orNull(fc.constant('/assets/logo-1a.svg')),
  }),
  state: fc.constantFrom(...POLL_STATES),
  version: fc.integer({ min: 1, max: 2 ** 31 }),
  createdAt: instants,
  updatedAt: instants,
});

describe('a poll record', () => {
  test('is read as it was written', () => {
    fc.assert(
      fc.property(polls, instants, (poll, effectiveAt) => {
        const record = { type: 'poll', effectiveAt, poll } as const;
        expect(decodePollRecord(encodePollRecord(record))).toEqual(record);
        expect(decodePoll(encodePoll(poll))).toEqual(poll);
      }),
    );
  });

  const whole = { type: 'poll', effectiveAt: 5, poll: samplePoll() };

  test.each([
    ['another type', { ...whole, type: 'poll2' }],
    ['no type', { effectiveAt: 5, poll: samplePoll() }],
    ['a member that is not known', { ...whole, note: 'x' }],
    ['no instant', { ...whole, effectiveAt: null }],
    ['a fraction of an instant', { ...whole, effectiveAt: 1.5 }],
    ['no poll', { ...whole, poll: null }],
    ['a list', [whole]],
    ['an unknown state', { ...whole, poll: { ...samplePoll(), state: 'oepn' } }],
    ['an unknown setting', { ...whole, poll: { ...samplePoll(), weight: 2 } }],
    ['a version of zero', { ...whole, poll: samplePoll({ version: 0 }) }],
    ['one option', { ...whole, poll: samplePoll({ options: samplePoll().options.slice(1) }) }],
    ['an id that is no slug', { ...whole, poll: samplePoll({ id: 'A' }) }],
    ['an empty title', { ...whole, poll: samplePoll({ title: '' }) }],
    [
      'a colour in words',
      { ...whole, poll: samplePoll({ look: { accentColor: 'red', logoUrl: null } }) },
    ],
    [
      'a logo elsewhere',
      { ...whole, poll: samplePoll({ look: { accentColor: null, logoUrl: 'https://x' } }) },
    ],
  ])('with %s is not passed over but refused', (_, value) => {
    expect(codeOf(() => decodePollRecord(bytesOf(value)))).toBe('log_corrupt');
  });

  test('without any of its members is refused', () => {
    for (const name of Object.keys(samplePoll()).filter((each) => each !== 'log')) {
      const { [name]: _, ...poll } = { ...samplePoll() } as Record<string, unknown>;
      expect(codeOf(() => decodePollRecord(bytesOf({ ...whole, poll })))).toBe('log_corrupt');
    }
  });

  test('of a poll that does not say its log is of the first one', () => {
    const { log: _, ...poll } = samplePoll({ log: 'log-7' });
    expect(decodePollRecord(bytesOf({ ...whole, poll })).poll).toEqual(samplePoll({ log: '' }));
    expect(decodePoll(JSON.stringify(poll)).log).toBe('');
    expect(codeOf(() => decodePollRecord(bytesOf({ ...whole, poll: { ...poll, log: 1 } })))).toBe(
      'log_corrupt',
    );
  });

  test('that is no JSON or no UTF-8 is refused', () => {
    expect(codeOf(() => decodePollRecord(encoder.encode('{')))).toBe('log_corrupt');
    expect(codeOf(() => decodePollRecord(Uint8Array.of(0xff, 0xfe)))).toBe('log_corrupt');
    expect(codeOf(() => decodePoll('{}'))).toBe('store_corrupt');
  });

  test('of a zone that this runtime has forgotten can still be read', () => {
    const poll = samplePoll({ timeZone: 'Europe/Atlantis' });
    expect(decodePoll(encodePoll(poll)).timeZone).toBe('Europe/Atlantis');
  });
});
