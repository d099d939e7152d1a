import { describe, expect, test } from 'bun:test';
import { NOON, pollWith } from './live-fixtures.ts';
import { OPTIONS_MAX } from './poll.ts';
import {
  bodyOf,
  emptyForm,
  formOf,
  issuesFromServer,
  issuesOf,
  type PollForm,
  sampleForm,
  withOption,
  withOptionChange,
  withOptionMoved,
  withoutOption,
} from './poll-form.ts';

const filled = (change: Partial<PollForm> = {}): PollForm => ({
  ...sampleForm('Who stays?', ['Ana', 'Bia'], NOON),
  closesAt: '',
  ...change,
});
const issue = (form: PollForm, field: string) => issuesOf(form, NOON).get(field)?.issue;

describe('a form', () => {
  test('that is empty misses its title and its names', () => {
    const issues = issuesOf(emptyForm(), NOON);
    expect([...issues.keys()].sort()).toEqual(['options.1', 'options.2', 'title']);
  });

  test('of the sample has nothing wrong', () => {
    expect(issuesOf(sampleForm('Who?', ['Ana', 'Bia', 'Caio'], NOON), NOON).size).toBe(0);
  });

  test('refuses two options of one name, whatever their case', () => {
    const form = withOptionChange(filled(), 2, { name: ' ANA ' });
    expect(issue(form, 'options.2')).toBe('duplicate');
  });

  test('refuses texts that the server would', () => {
    expect(issue(filled({ title: 'x'.repeat(201) }), 'title')).toBe('too_long');
    const form = withOptionChange(filled(), 1, { name: 'x'.repeat(101) });
    expect(issue(form, 'options.1')).toBe('too_long');
  });

  test('refuses a close that is past, or before the opening', () => {
    expect(issue(filled({ closesAt: '2026-11-21T16:00' }), 'closesAt')).toBe('in_the_past');
    expect(issue(filled({ opensAt: '2026-11-21T16:00' }), 'opensAt')).toBe('in_the_past');
    expect(
      issue(filled({ opensAt: '2026-11-22T20:00', closesAt: '2026-11-22T20:00' }), 'closesAt'),
    ).toBe('closes_before_opens');
  });

  test('refuses a time that its zone skips, and a zone that is none', () => {
    const skipped = { timeZone: 'America/New_York', closesAt: '2027-03-14T02:30' };
    expect(issue(filled(skipped), 'closesAt')).toBe('no_such_time');
    expect(issue(filled({ opensAt: 'soon' }), 'opensAt')).toBe('no_such_time');
    expect(issue(filled({ timeZone: 'Atlantis' }), 'timeZone')).toBe('no_such_zone');
  });

  test('refuses fewer than two options', () => {
    const form = filled();
    expect(issue({ ...form, options: form.options.slice(0, 1) }, 'options')).toBe(
      'too_few_options',
    );
  });
});

describe('options', () => {
  test('are added up to the limit and never taken below two', () => {
    let form = emptyForm();
    for (let i = 0; i < 200; i += 1) form = withOption(form);
    expect(form.options).toHaveLength(OPTIONS_MAX);
    expect(new Set(form.options.map((option) => option.key)).size).toBe(OPTIONS_MAX);
    expect(withoutOption(emptyForm(), 1).options).toHaveLength(2);
    expect(withoutOption(form, 7).options.map((option) => option.key)).not.toContain(7);
  });

  test('move by one place and stop at the edge', () => {
    const names = (form: PollForm) => form.options.map((option) => option.name);
    expect(names(withOptionMoved(filled(), 2, -1))).toEqual(['Bia', 'Ana']);
    expect(names(withOptionMoved(filled(), 1, -1))).toEqual(['Ana', 'Bia']);
    expect(names(withOptionMoved(filled(), 99, 1))).toEqual(['Ana', 'Bia']);
  });
});

describe('the body', () => {
  test('has trimmed texts, instants in UTC, and ids only where the server gave one', () => {
    const form = withOptionChange(filled({ title: '  Who? ', closesAt: '2026-11-22T20:00' }), 1, {
      name: ' Ana ',
    });
    expect(bodyOf(form)).toEqual({
      title: 'Who?',
      options: [{ name: 'Ana' }, { name: 'Bia' }],
      opensAt: null,
      closesAt: '2026-11-22T23:00:00.000Z',
      timeZone: 'America/Sao_Paulo',
      resultsVisibility: 'after_vote',
      resultsDetail: 'percentage',
    });
  });

  test('of a poll that is only shown changes nothing', () => {
    const poll = pollWith({ state: 'draft', closesAt: '2026-11-22T23:00:00.000Z' });
    const body = bodyOf(formOf(poll));
    expect(body.closesAt).toBe(poll.closesAt);
    expect(body.options).toEqual([
      { id: 'ana', name: 'Ana' },
      { id: 'bia', name: 'Bia' },
    ]);
  });
});

describe('what the server refuses', () => {
  test('is shown at the field that it names', () => {
    const form = filled();
    const issues = issuesFromServer(form, [
      { pointer: '/options/1/name', code: 'invalid_body', detail: 'Too odd.' },
      { pointer: '/title', code: 'invalid_body', detail: 'Too short.' },
      { pointer: '/votePolicy', code: 'not_supported', detail: 'Not yet.' },
    ]);
    expect(issues.get('options.2')).toEqual({ issue: 'refused', detail: 'Too odd.' });
    expect(issues.get('title')?.detail).toBe('Too short.');
    expect(issues.get('form')?.detail).toBe('Not yet.');
  });
});
