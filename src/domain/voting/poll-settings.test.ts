import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import { imagePath, type Poll } from './poll.ts';
import type { PollFields } from './poll-fields.ts';
import {
  decideCreate,
  decideOptionImage,
  decideUpdate,
  OPENS_AT_PAST_MAX_MS,
} from './poll-settings.ts';
import { rfc3339Of } from './rfc3339.ts';

const NOW = 1_795_291_200_000;
const AT = { now: NOW, effectiveAt: NOW + 2_000 };
const HOUR = 3_600_000;
const OPTIONS = [{ name: 'Ana' }, { name: 'Bruno' }];
const BODY = { title: 'Who wins?', options: OPTIONS };

const created = (body: object): Poll => {
  const decision = decideCreate({ ...BODY, ...body }, 'made-id', NOW, 'log-1');
  if (decision.kind === 'invalid') throw new Error(JSON.stringify(decision.problems));
  return decision.poll;
};
const problemsOf = (body: unknown): string[] => {
  const decision = decideCreate(body, 'made-id', NOW, 'log-1');
  return decision.kind === 'created' ? [] : decision.problems.map(({ pointer }) => pointer);
};

describe('a new poll', () => {
  test('is a draft with the usual settings and the id that was made for it', () => {
    expect(created({})).toEqual({
      id: 'made-id',
      log: 'log-1',
      title: 'Who wins?',
      options: [
        { id: 'ana', name: 'Ana', imageUrl: null },
        { id: 'bruno', name: 'Bruno', imageUrl: null },
      ],
      opensAt: null,
      closesAt: null,
      timeZone: 'America/Sao_Paulo',
      votePolicy: 'unlimited',
      challengePolicy: 'off',
      resultsVisibility: 'after_vote',
      resultsDetail: 'percentage',
      look: { accentColor: null, logoUrl: null },
      state: 'draft',
      version: 1,
      createdAt: NOW,
      updatedAt: NOW,
    });
  });

  test('is scheduled where it says when it opens, and takes the id that it is given', () => {
    const opensAt = rfc3339Of(NOW + HOUR);
    expect(created({ id: 'final', opensAt })).toMatchObject({
      id: 'final',
      state: 'scheduled',
      opensAt: NOW + HOUR,
    });
  });

  test('needs a title and options, and says so for both at once', () => {
    expect(problemsOf({})).toEqual(['/title', '/options']);
    expect(problemsOf({ title: 'x' })).toEqual(['/options']);
    expect(problemsOf({ options: OPTIONS })).toEqual(['/title']);
    expect(problemsOf('x')).toEqual(['']);
  });

  test('opens at an instant to come, or just gone, not long ago', () => {
    const opening = (opensAt: number) => problemsOf({ ...BODY, opensAt: rfc3339Of(opensAt) });
    expect(opening(NOW - OPENS_AT_PAST_MAX_MS)).toEqual([]);
    expect(opening(NOW - OPENS_AT_PAST_MAX_MS - 1)).toEqual(['/opensAt']);
  });

  test('closes after it opens and after now', () => {
    const times = (opensAt: number | null, closesAt: number) =>
      problemsOf({
        ...BODY,
        opensAt: opensAt === null ? null : rfc3339Of(opensAt),
        closesAt: rfc3339Of(closesAt),
      });
    expect(times(NOW + 10, NOW + 11)).toEqual([]);
    expect(times(NOW + 10, NOW + 10)).toEqual(['/closesAt']);
    expect(times(NOW - 10, NOW)).toEqual(['/closesAt']);
    expect(times(null, NOW)).toEqual(['/closesAt']);
    expect(times(null, NOW + 1)).toEqual([]);
  });

  test('gives each option an id of its own, also beside ids that were given', () => {
    const options = [{ name: 'Ana' }, { name: 'Áná' }, { id: 'ana', name: 'A.' }, { name: '李' }];
    expect(created({ options }).options.map(({ id }) => id)).toEqual([
      'ana-2',
      'ana-3',
      'ana',
      'option-4',
    ]);
  });
});

describe('a change', () => {
  const open = samplePoll({ state: 'open', opensAt: NOW - HOUR, closesAt: NOW + HOUR, version: 4 });
  const frozen = (poll: Poll, fields: PollFields): string[] => {
    const decision = decideUpdate(poll, fields, AT);
    return decision.kind === 'frozen' ? decision.problems.map(({ pointer }) => pointer) : [];
  };
  const everything: PollFields = {
    title: 'New',
    options: [{ name: 'Caio' }, { name: 'Davi' }],
    opensAt: NOW + 1,
    closesAt: NOW + 2 * HOUR,
    timeZone: 'UTC',
    votePolicy: 'single',
    challengePolicy: 'always',
    resultsVisibility: 'always',
    resultsDetail: 'count',
    look: { accentColor: '#123456' },
  };
  const settings = Object.keys(everything) as (keyof PollFields)[];

  test('of a draft may be of everything, and makes a new version', () => {
    const decision = decideUpdate(samplePoll(), everything, AT);
    expect(decision).toMatchObject({
      kind: 'changed',
      changed: settings,
      poll: { title: 'New', state: 'scheduled', version: 2, updatedAt: NOW },
    });
  });

  test('of opensAt schedules a draft, and taking it away makes a draft again', () => {
    const scheduled = decideUpdate(samplePoll(), { opensAt: NOW + HOUR }, AT);
    expect(scheduled).toMatchObject({ poll: { state: 'scheduled' } });
    const poll = samplePoll({ state: 'scheduled', opensAt: NOW + HOUR });
    expect(decideUpdate(poll, { opensAt: null }, AT)).toMatchObject({
      poll: { state: 'draft', opensAt: null },
    });
    expect(decideUpdate(poll, { title: 'x' }, AT)).toMatchObject({ poll: { state: 'scheduled' } });
  });

  test('before the opening is held to the same times as a creation', () => {
    const draft = samplePoll();
    expect(decideUpdate(draft, { opensAt: 1 }, AT)).toMatchObject({ kind: 'invalid' });
    expect(decideUpdate(draft, { closesAt: NOW }, AT)).toMatchObject({ kind: 'invalid' });
    // A deadline that has passed meanwhile does not stand in the way of a new title.
    const late = samplePoll({ closesAt: NOW - 1 });
    expect(decideUpdate(late, { title: 'x' }, AT)).toMatchObject({ kind: 'changed' });
    expect(decideUpdate(late, { opensAt: NOW + 1 }, AT)).toMatchObject({ kind: 'invalid' });
  });

  test.each(settings)('of %s once open is allowed only where it is a live setting', (name) => {
    const isLive = ['challengePolicy', 'resultsVisibility', 'closesAt', 'look'].includes(name);
    for (const poll of [open, { ...open, state: 'paused' as const }]) {
      expect(frozen(poll, { [name]: everything[name] })).toEqual(isLive ? [] : [`/${name}`]);
    }
  });

  test.each(settings)(
    'of %s after the end is allowed only for who sees it and how it looks',
    (name) => {
      const isLasting = ['resultsVisibility', 'look'].includes(name);
      for (const state of ['closing', 'closed', 'published'] as const) {
        const poll = samplePoll({ state, closesAt: NOW - 1 });
        expect(frozen(poll, { [name]: everything[name] })).toEqual(isLasting ? [] : [`/${name}`]);
      }
    },
  );

  test('goes by the clock: a scheduled poll whose time has come is frozen', () => {
    const due = samplePoll({ state: 'scheduled', opensAt: NOW });
    expect(frozen(due, { title: 'x' })).toEqual(['/title']);
    expect(decideUpdate(due, { look: { accentColor: '#000000' } }, AT)).toMatchObject({
      kind: 'changed',
      poll: { state: 'scheduled', opensAt: NOW },
    });
    const over = samplePoll({ state: 'open', closesAt: NOW });
    expect(frozen(over, { closesAt: NOW + HOUR })).toEqual(['/closesAt']);
  });

  test('that repeats what holds changes nothing, frozen or not', () => {
    const { state: _, version: __, createdAt: ___, updatedAt: ____, id: _____, ...same } = open;
    expect(decideUpdate(open, same, AT)).toEqual({ kind: 'unchanged', poll: open });
    const archived = samplePoll({ state: 'archived' });
    expect(decideUpdate(archived, { title: archived.title }, AT).kind).toBe('unchanged');
  });

  test('of an archived poll is refused', () => {
    expect(decideUpdate(samplePoll({ state: 'archived' }), { title: 'x' }, AT)).toEqual({
      kind: 'refused',
      state: 'archived',
      detail: 'The poll is archived.',
    });
  });

  test('keeps the live part of a mixed one from slipping through', () => {
    expect(frozen(open, { look: { accentColor: '#000000' }, title: 'x' })).toEqual(['/title']);
  });

  test('of a deadline moves it later only', () => {
    const closesAt = open.closesAt ?? 0;
    expect(decideUpdate(open, { closesAt: closesAt + 1 }, AT)).toMatchObject({
      kind: 'changed',
      poll: { closesAt: closesAt + 1, state: 'open' },
    });
    expect(frozen(open, { closesAt: closesAt - 1 })).toEqual(['/closesAt']);
    expect(frozen(open, { closesAt: null })).toEqual(['/closesAt']);
  });

  test('of a deadline comes too late when doors would shut before they learn of it', () => {
    const ending = { ...open, closesAt: AT.effectiveAt };
    expect(frozen(ending, { closesAt: NOW + HOUR })).toEqual(['/closesAt']);
    const later = { ...open, closesAt: AT.effectiveAt + 1 };
    expect(frozen(later, { closesAt: NOW + HOUR })).toEqual([]);
  });

  test('may give an open poll without a deadline one, once every door can know of it', () => {
    const endless = { ...open, closesAt: null };
    expect(frozen(endless, { closesAt: AT.effectiveAt + 1 })).toEqual([]);
    expect(frozen(endless, { closesAt: AT.effectiveAt })).toEqual(['/closesAt']);
  });

  test('of a name keeps the option’s picture; of a look, the other half', () => {
    const imageUrl = imagePath('a'.repeat(64));
    const look = { accentColor: '#123456', logoUrl: '/assets/logo.svg' };
    const poll = samplePoll({
      look,
      options: [
        { id: 'ana', name: 'Ana', imageUrl },
        { id: 'bia', name: 'Bia', imageUrl },
      ],
    });
    const fields: PollFields = {
      options: [
        { id: 'ana', name: 'Ana Júlia' },
        { id: 'bia', name: 'Bia', imageUrl: null },
      ],
      look: { accentColor: null },
    };
    expect(decideUpdate(poll, fields, AT)).toMatchObject({
      poll: {
        options: [
          { id: 'ana', name: 'Ana Júlia', imageUrl },
          { id: 'bia', name: 'Bia', imageUrl: null },
        ],
        look: { accentColor: null, logoUrl: '/assets/logo.svg' },
      },
    });
  });

  test('whatever it is, leaves what voters were told of an open poll as it was', () => {
    const time = fc.integer({ min: NOW - HOUR, max: NOW + 3 * HOUR });
    const fields: fc.Arbitrary<PollFields> = fc.record(
      {
        title: fc.constantFrom('Who wins?', 'x'),
        opensAt: fc.option(time, { nil: null }),
        closesAt: fc.option(time, { nil: null }),
        timeZone: fc.constantFrom('UTC', 'America/Sao_Paulo'),
        resultsDetail: fc.constantFrom('count', 'percentage'),
        resultsVisibility: fc.constantFrom('never', 'always'),
      },
      { requiredKeys: [] },
    );
    fc.assert(
      fc.property(fields, (change) => {
        const decision = decideUpdate(open, change, AT);
        if (decision.kind !== 'changed') return;
        const { closesAt, resultsVisibility, version, updatedAt } = decision.poll;
        const live = { closesAt, resultsVisibility, version, updatedAt };
        expect(decision.poll).toEqual({ ...open, ...live });
        expect(closesAt).toBeGreaterThanOrEqual(open.closesAt ?? 0);
        expect([version, updatedAt]).toEqual([5, NOW]);
      }),
    );
  });
});

describe('a picture', () => {
  const path = imagePath('b'.repeat(64));

  test('goes to its option, before the poll opens', () => {
    for (const poll of [samplePoll(), samplePoll({ state: 'scheduled', opensAt: NOW + 1 })]) {
      expect(decideOptionImage(poll, 'bruno', path, NOW)).toEqual({
        kind: 'changed',
        poll: {
          ...poll,
          options: [
            { id: 'ana', name: 'Ana', imageUrl: null },
            { id: 'bruno', name: 'Bruno', imageUrl: path },
          ],
          version: 2,
          updatedAt: NOW,
        },
      });
    }
  });

  test('that is there already changes nothing, in any state', () => {
    const options = samplePoll().options.map((option) => ({ ...option, imageUrl: path }));
    const poll = samplePoll({ state: 'open', options });
    expect(decideOptionImage(poll, 'ana', path, NOW)).toEqual({ kind: 'unchanged', poll });
  });

  test('of an open poll, or for no option, is refused', () => {
    const due = samplePoll({ state: 'scheduled', opensAt: NOW });
    expect(decideOptionImage(due, 'ana', path, NOW)).toEqual({ kind: 'frozen', state: 'open' });
    expect(decideOptionImage(samplePoll(), 'x', path, NOW)).toEqual({ kind: 'option_not_found' });
  });
});
