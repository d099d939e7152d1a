/** Proves that instants are told in the right zone and that a countdown says what is left. */
import { describe, expect, test } from 'bun:test';
import { messagesIn } from './messages-in.ts';
import { milestonePassed, sayClock, sayInstant, sayRemaining, zoneToTell } from './time-text.ts';

const at = (time: string) => Date.parse(time);
const brasilia = { name: 'America/Sao_Paulo', isReaders: false };
const [pt, en, es] = [messagesIn('pt-BR'), messagesIn('en'), messagesIn('es')];

describe('an instant', () => {
  const now = at('2026-11-21T20:00:00Z');

  test('of today is told as today, in the poll zone, by its name', () => {
    const close = at('2026-11-22T01:30:00Z');
    expect(sayInstant(close, now, brasilia, pt)).toBe('hoje, 22:30 (horário de Brasília)');
    expect(sayInstant(close, now, brasilia, es)).toBe('hoy, 22:30 (hora de Brasilia)');
    expect(sayInstant(close, now, brasilia, en).replace('\u202f', ' ')).toBe(
      'today, 10:30 PM (Brasília time)',
    );
  });

  test('of another day is told with the day, of another year with the year', () => {
    const tomorrow = at('2026-11-22T23:00:00Z');
    expect(sayInstant(tomorrow, now, brasilia, pt)).toBe(
      'dom., 22 de novembro, 20:00 (horário de Brasília)',
    );
    const nextYear = at('2027-01-02T23:00:00Z');
    expect(sayInstant(nextYear, now, brasilia, pt)).toBe(
      '2 de janeiro de 2027, 20:00 (horário de Brasília)',
    );
  });

  test("in the reader's own zone says so; another zone is named; an unknown one is told in UTC", () => {
    const close = at('2026-11-22T01:30:00Z');
    const lisbon = { name: 'Europe/Lisbon', isReaders: true };
    expect(sayInstant(close, now, lisbon, pt)).toBe('dom., 22 de novembro, 01:30 (no seu horário)');
    const manaus = { name: 'America/Manaus', isReaders: false };
    expect(sayInstant(close, now, manaus, pt)).toBe('hoje, 21:30 (Horário Padrão do Amazonas)');
    const nowhere = { name: 'Mars/Olympus', isReaders: false };
    expect(sayInstant(close, now, nowhere, en)).toContain('Coordinated Universal Time');
  });

  test('has its clock told to the second', () => {
    expect(sayClock(at('2026-11-22T01:01:07Z'), brasilia, pt)).toBe('22:01:07');
  });
});

test("the poll's zone is told unless the reader's clocks differ from it then", () => {
  const summer = at('2026-07-01T12:00:00Z');
  const tell = (readers: string) => zoneToTell(summer, 'America/Sao_Paulo', readers);
  expect(tell('America/Sao_Paulo')).toEqual(brasilia);
  expect(tell('America/Bahia')).toEqual(brasilia); // another name, the same clocks
  expect(tell('Europe/Lisbon')).toEqual({ name: 'Europe/Lisbon', isReaders: true });
});

test.each([
  [0, '0 s'],
  [-5_000, '0 s'],
  [1, '1 s'],
  [9_000, '9 s'],
  [65_000, '1 min 05 s'],
  [3_599_001, '1 h 00 min 00 s'],
  [3_725_000, '1 h 02 min 05 s'],
  [90_061_000, '1 d 1 h 01 min'],
])('%d ms remaining are said as %s', (ms, said) => {
  expect(sayRemaining(ms)).toBe(said);
});

test('a milestone is passed once, when the countdown reaches it, however the ticks fall', () => {
  expect(milestonePassed(600_500, 599_500)).toBe(600);
  expect(milestonePassed(600_000, 599_000)).toBeNull();
  expect(milestonePassed(61_000, 60_000)).toBe(60);
  expect(milestonePassed(30_000, 29_000)).toBeNull();
  expect(milestonePassed(700_000, 5_000)).toBe(10); // the device slept: the nearest to the end
});
