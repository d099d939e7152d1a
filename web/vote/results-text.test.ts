/** Proves that the results are told as far as the poll allows, and no further. */
import { describe, expect, test } from 'bun:test';
import { messagesIn } from './messages-in.ts';
import type { OptionResult, PollState, Results, ResultsDetail } from './poll.ts';
import { describeResults, hiddenReason, sayResults } from './results-text.ts';

const messages = messagesIn('pt-BR');
const options = [
  { id: 'ana', name: 'Ana', imageUrl: null },
  { id: 'bia', name: 'Bia', imageUrl: null },
];
const frame = { asOf: '2026-11-21T20:00:00.000Z', version: 7, stale: false };

function visible(
  detail: ResultsDetail,
  rows: readonly OptionResult[],
  total: number | null = null,
  state: PollState = 'open',
): Results {
  return { ...frame, state, visible: true, detail, total, options: rows };
}

const row = (id: string, votes: number | null, share: number | null, leader: boolean | null) => ({
  id,
  votes,
  share,
  leader,
});

describe('results', () => {
  test('by count tell votes, share and total, with the separators of the language', () => {
    const rows = [row('bia', 1, 0.000_001, false), row('ana', 1_234_566, 0.999_999, true)];
    const text = describeResults(visible('count', rows, 1_234_567), options, 'open', messages);
    expect(
      text.lines.map(({ name, figure, votes, badge }) => [name, figure, votes, badge]),
    ).toEqual([
      ['Ana', '100,00%', '1.234.566 votos', 'Na frente'],
      ['Bia', '0,00%', '1 voto', ''],
    ]);
    expect(text.note).toBe('Total: 1.234.567 votos');
    expect(text.heading).toBe('Resultado parcial');
  });

  test('by percentage tell no number of votes anywhere', () => {
    const rows = [row('ana', null, 0.534_24, true), row('bia', null, 0.465_76, false)];
    const text = describeResults(visible('percentage', rows), options, 'open', messages);
    expect(sayResults(text, messages)).toBe('Resultado parcial: Ana 53,42% Na frente; Bia 46,58%.');
    expect(text.note).toBe('');
  });

  test('by winner tell the leader only', () => {
    const rows = [row('ana', null, null, true), row('bia', null, null, false)];
    const text = describeResults(
      visible('winner', rows, null, 'published'),
      options,
      'open',
      messages,
    );
    expect(
      text.lines.map(({ figure, votes, share, badge }) => [figure, votes, share, badge]),
    ).toEqual([
      ['', '', null, 'Mais votos'],
      ['', '', null, ''],
    ]);
    expect(text.heading).toBe('Resultado oficial');
  });

  test('of a poll without votes name no leader', () => {
    const rows = [row('ana', 0, 0, true), row('bia', 0, 0, true)];
    const text = describeResults(visible('count', rows, 0), options, 'open', messages);
    expect(text.note).toBe('Ainda não há votos.');
    expect(text.lines.every(({ badge }) => badge === '')).toBe(true);
  });

  test('that have not come keep the room of their lines, and an option without a row is empty', () => {
    const waiting = describeResults(null, options, 'closed', messages);
    expect(waiting.lines.map(({ figure }) => figure)).toEqual(['–', '–']);
    expect(waiting).toMatchObject({ heading: 'Resultado', note: 'Buscando o resultado…' });
    const partial = describeResults(
      visible('count', [row('ana', 1, 1, true)], 1),
      options,
      'open',
      messages,
    );
    expect(partial.lines[1]).toMatchObject({ name: 'Bia', figure: '', share: null });
  });

  test('that are hidden say why', () => {
    const hidden: Results = { ...frame, state: 'open', visible: false, reason: 'after_close' };
    const text = describeResults(hidden, options, 'open', messages);
    expect(text.lines).toEqual([]);
    expect(sayResults(text, messages)).toBe('O resultado aparece aqui quando a votação encerrar.');
  });
});

test('the reason for hiding follows from the settings, the state and the vote', () => {
  const reasons = (state: PollState, voted: boolean) =>
    (['never', 'after_vote', 'after_close', 'after_publish', 'always'] as const).map((visibility) =>
      hiddenReason(visibility, state, voted),
    );
  expect(reasons('open', false)).toEqual([
    'never',
    'after_vote',
    'after_close',
    'after_publish',
    null,
  ]);
  expect(reasons('open', true)).toEqual(['never', null, 'after_close', 'after_publish', null]);
  expect(reasons('closed', false)).toEqual(['never', null, null, 'after_publish', null]);
  expect(reasons('published', false)).toEqual(['never', null, null, null, null]);
});
