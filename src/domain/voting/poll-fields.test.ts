import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { OPTIONS_MAX } from './poll.ts';
import { PROBLEMS_MAX, readPollFields } from './poll-fields.ts';

const problemsOf = (body: unknown, extra: 'id' | 'expectedVersion' = 'id'): string[] => {
  const read = readPollFields(body, extra);
  return read.kind === 'ok' ? [] : read.problems.map(({ pointer, code }) => `${pointer} ${code}`);
};
const fieldsOf = (body: unknown) => {
  const read = readPollFields(body, 'id');
  if (read.kind === 'invalid') throw new Error(JSON.stringify(read.problems));
  return read.fields;
};
const twoOptions = [{ name: 'Ana' }, { name: 'Bruno' }];

describe('a body', () => {
  test('with every field is read into typed values', () => {
    const image = `/v1/images/${'a'.repeat(64)}`;
    expect(
      fieldsOf({
        id: 'final-2026',
        title: '  Quem sai?  ',
        options: [
          { id: 'ana', name: 'Ana', imageUrl: image },
          { name: 'Bruno', imageUrl: null },
        ],
        opensAt: '2026-11-21T20:00:00Z',
        closesAt: null,
        timeZone: 'America/Manaus',
        votePolicy: 'unlimited',
        challengePolicy: 'off',
        resultsVisibility: 'never',
        resultsDetail: 'count',
        look: { accentColor: '#00FF7f', logoUrl: '/assets/logo.svg' },
      }),
    ).toEqual({
      id: 'final-2026',
      title: 'Quem sai?',
      options: [
        { id: 'ana', name: 'Ana', imageUrl: image },
        { name: 'Bruno', imageUrl: null },
      ],
      opensAt: 1_795_291_200_000,
      closesAt: null,
      timeZone: 'America/Manaus',
      votePolicy: 'unlimited',
      challengePolicy: 'off',
      resultsVisibility: 'never',
      resultsDetail: 'count',
      look: { accentColor: '#00ff7f', logoUrl: '/assets/logo.svg' },
    });
  });

  test('without fields has none', () => {
    expect(fieldsOf({})).toEqual({});
    expect(fieldsOf({ look: {} })).toEqual({ look: {} });
    expect(fieldsOf({ look: { accentColor: null, logoUrl: null } })).toEqual({
      look: { accentColor: null, logoUrl: null },
    });
  });

  test('that is no object is refused', () => {
    for (const body of [null, 1, 'x', [], undefined]) {
      expect(problemsOf(body)).toEqual([' invalid_body']);
    }
  });

  test('of a creation has no expectedVersion, and of a change has no id', () => {
    expect(problemsOf({ expectedVersion: 1 }, 'id')).toEqual(['/expectedVersion unknown_field']);
    expect(problemsOf({ id: 'x' }, 'expectedVersion')).toEqual(['/id unknown_field']);
    expect(problemsOf({ expectedVersion: 3 }, 'expectedVersion')).toEqual([]);
  });

  test.each(['state', 'version', 'toString', '__proto__x', 'a/b~c'])(
    'with the field %p is refused, and the pointer names it',
    (name) => {
      const pointer = name.replaceAll('~', '~0').replaceAll('/', '~1');
      expect(problemsOf({ [name]: 1 })).toEqual([`/${pointer} unknown_field`]);
    },
  );

  test('with an own __proto__ is refused like any unknown field', () => {
    expect(problemsOf(JSON.parse('{"__proto__": {"title": "x"}}'))).toEqual([
      '/__proto__ unknown_field',
    ]);
  });

  test('of endless unknown fields gets a bounded answer', () => {
    const body = Object.fromEntries(Array.from({ length: 999 }, (_, at) => [`x${at}`, at]));
    expect(problemsOf(body)).toHaveLength(PROBLEMS_MAX);
    const [problem] = problemsOf({ ['y'.repeat(5_000)]: 1 });
    expect(problem).toBe(`/${'y'.repeat(64)} unknown_field`);
  });

  test('gets all its problems at once', () => {
    const body = { title: '', opensAt: 'soon', votePolicy: 'single', size: 1 };
    expect(problemsOf(body)).toEqual([
      '/title invalid_body',
      '/opensAt invalid_body',
      '/votePolicy not_supported',
      '/size unknown_field',
    ]);
  });

  test('of any JSON is read or refused, never an error', () => {
    const names = fc.constantFrom('id', 'title', 'options', 'opensAt', 'look', 'timeZone', 'x');
    const option = fc.dictionary(fc.constantFrom('id', 'name', 'imageUrl', 'x'), fc.jsonValue());
    const value = fc.oneof(fc.jsonValue(), fc.array(option), option);
    fc.assert(
      fc.property(fc.oneof(fc.jsonValue(), fc.dictionary(names, value)), (body) => {
        expect(['ok', 'invalid']).toContain(readPollFields(body, 'id').kind);
      }),
    );
  });
});

describe('a field', () => {
  test.each([
    ['id', ['', 'A', '-a', 'a_b', 'a'.repeat(64), 1, null]],
    ['title', ['', '   ', 1, null, 'a'.repeat(201), 'a\nb', 'a\u0000', '\ud800', 'a\u202eb']],
    ['opensAt', ['2026-11-21', 1_795_291_200_000, '', false]],
    ['closesAt', ['2026-11-21T20:00:00', {}]],
    ['timeZone', ['Mars', '+03:00', '', 3, null]],
    ['resultsVisibility', ['Never', '', null, 1]],
    ['resultsDetail', ['full']],
    ['votePolicy', ['many', null]],
    ['challengePolicy', ['on']],
    ['look', [null, [], 'red']],
    ['options', [null, {}, [], [{ name: 'Ana' }], Array(OPTIONS_MAX + 1).fill({ name: 'x' })]],
  ] as const)('%s is refused where it is none', (name, values) => {
    for (const value of values) {
      expect([value, problemsOf({ [name]: value })]).toEqual([value, [`/${name} invalid_body`]]);
    }
  });

  test.each([0, -1, 1.5, '1', null, 2 ** 53])('expectedVersion is not %p', (expectedVersion) => {
    expect(problemsOf({ expectedVersion }, 'expectedVersion')).toEqual([
      '/expectedVersion invalid_body',
    ]);
  });

  test.each([
    ['votePolicy', 'limited'],
    ['votePolicy', 'single'],
    ['challengePolicy', 'risk'],
    ['challengePolicy', 'always'],
  ])('%s %s is refused as not supported, never stored and ignored', (name, value) => {
    expect(problemsOf({ [name]: value })).toEqual([`/${name} not_supported`]);
  });

  test('in words is counted in characters and comes out in one Unicode form', () => {
    expect(fieldsOf({ title: '🗳'.repeat(200) }).title).toHaveLength(400);
    expect(problemsOf({ title: '🗳'.repeat(201) })).toEqual(['/title invalid_body']);
    expect(fieldsOf({ title: 'Ju\u0301lia' }).title).toBe('J\u00falia');
  });

  test('of a look points to this server only, and is a colour', () => {
    for (const logoUrl of [
      'https://example.com/a.png',
      '//example.com',
      '/v1/images/x',
      '/assets/../x',
    ]) {
      expect(problemsOf({ look: { logoUrl } })).toEqual(['/look/logoUrl invalid_body']);
    }
    for (const accentColor of ['red', '#fff', '#00ff7g', 1]) {
      expect(problemsOf({ look: { accentColor } })).toEqual(['/look/accentColor invalid_body']);
    }
    expect(problemsOf({ look: { font: 'x' } })).toEqual(['/look/font unknown_field']);
  });
});

describe('options', () => {
  test('are refused where they are wrong, one by one', () => {
    const options = [
      'Ana',
      { name: '' },
      { name: 'Bia', id: 'B' },
      { name: 'Caio', imageUrl: 'https://example.com/x.png' },
      { name: 'Davi', votes: 3 },
      {},
    ];
    expect(problemsOf({ options })).toEqual([
      '/options/0 invalid_body',
      '/options/1/name invalid_body',
      '/options/2/id invalid_body',
      '/options/3/imageUrl invalid_body',
      '/options/4/votes unknown_field',
      '/options/5/name invalid_body',
    ]);
  });

  test('have ids and names that tell them apart', () => {
    const options = [{ id: 'a', name: 'Ana' }, { id: 'a', name: 'Bia' }, { name: 'Ana ' }];
    expect(problemsOf({ options })).toEqual([
      '/options/1/id invalid_body',
      '/options/2/name invalid_body',
    ]);
  });

  test('may be as many as a hundred', () => {
    const options = Array.from({ length: OPTIONS_MAX }, (_, at) => ({ name: `Option ${at}` }));
    expect(fieldsOf({ options }).options).toHaveLength(OPTIONS_MAX);
    expect(fieldsOf({ options: twoOptions }).options).toEqual(twoOptions);
  });
});
