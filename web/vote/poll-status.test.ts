/** Proves that the page says where the poll stands, and lets vote exactly while it can. */
import { describe, expect, test } from 'bun:test';
import { messagesIn } from './messages-in.ts';
import type { PollState } from './poll.ts';
import { describeStatus, phaseOf } from './poll-status.ts';

const NOW = Date.parse('2026-11-21T20:00:00Z');
const iso = (ms: number) => new Date(ms).toISOString();
const messages = messagesIn('pt-BR');

function dates(state: PollState, opensInMs: number | null, closesInMs: number | null) {
  return {
    state,
    opensAt: opensInMs === null ? null : iso(NOW + opensInMs),
    closesAt: closesInMs === null ? null : iso(NOW + closesInMs),
    timeZone: 'America/Sao_Paulo',
  };
}

describe('the phase', () => {
  test.each([
    ['open', -1, 1, 'voting'],
    ['open', null, null, 'voting'],
    ['open', -1, 0, 'after'],
    ['paused', -1, 1, 'paused'],
    ['paused', -1, -1, 'after'],
    ['scheduled', 1, 2, 'before'],
    ['scheduled', 0, 2, 'voting'],
    ['scheduled', null, null, 'before'],
    ['draft', -1, 1, 'before'],
    ['closing', -1, 1, 'after'],
    ['closed', -1, null, 'after'],
    ['published', -2, -1, 'after'],
    ['archived', -2, -1, 'after'],
  ] as const)(
    'of a poll that is %s, opens in %p ms and closes in %p ms is %s',
    (state, opens, closes, phase) => {
      expect(phaseOf(dates(state, opens, closes), NOW)).toBe(phase);
    },
  );
});

describe('the words', () => {
  const hour = 3_600_000;
  const say = (
    state: PollState,
    opens: number | null,
    closes: number | null,
    zone: string | null = null,
  ) => describeStatus(dates(state, opens, closes), NOW, zone, messages);

  test('of an open poll tell until when, with a countdown to it', () => {
    const status = say('open', null, 2 * hour);
    expect(status.title).toBe('Vote até hoje, 19:00 (horário de Brasília)');
    expect(status.countdown?.to).toBe(NOW + 2 * hour);
    expect(status.countdown?.say('5 s')).toBe('Faltam 5 s');
    expect(say('open', null, 2 * hour, 'Europe/Lisbon').title).toBe(
      'Vote até hoje, 22:00 (no seu horário)',
    );
  });

  test('of an open poll without an end say so', () => {
    expect(say('open', null, null)).toMatchObject({
      title: 'Votação aberta',
      detail: 'Sem hora marcada para encerrar',
      countdown: null,
    });
  });

  test('before the start tell when it starts, if that is known', () => {
    const status = say('scheduled', hour, null);
    expect(status.title).toBe('A votação ainda não começou');
    expect(status.detail).toBe('Começa hoje, 18:00 (horário de Brasília)');
    expect(status.countdown?.say('5 s')).toBe('Começa em 5 s');
    expect(say('scheduled', null, null)).toMatchObject({
      detail: 'A hora do início ainda não foi marcada.',
      countdown: null,
    });
  });

  test('of a paused poll say that it may go on', () => {
    expect(say('paused', null, hour)).toMatchObject({
      title: 'A votação está em pausa',
      countdown: null,
    });
  });

  test('after the end tell that votes are still counted, or when it ended', () => {
    expect(say('closing', null, -hour).detail).toBe('Os últimos votos estão sendo apurados.');
    expect(say('open', null, -1).detail).toBe('Os últimos votos estão sendo apurados.');
    for (const state of ['closed', 'published', 'archived'] as const) {
      const { title, detail } = say(state, null, -hour);
      expect([title, detail]).toEqual([
        'Votação encerrada',
        'Encerrou hoje, 16:00 (horário de Brasília)',
      ]);
      expect(say(state, null, null).detail).toBe('');
      expect(say(state, null, hour).detail).toBe(''); // closed by hand, early
    }
  });
});
