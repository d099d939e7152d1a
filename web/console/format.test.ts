import { describe, expect, test } from 'bun:test';
import { createFormats } from './format.ts';

const AT = Date.parse('2026-11-21T23:31:05.000Z');
const pt = createFormats('pt-BR');
const en = createFormats('en');
const ZONE = 'America/Sao_Paulo';

describe('numbers', () => {
  test('have the separators of the language', () => {
    expect(pt.integer(1_234_567)).toBe('1.234.567');
    expect(en.integer(1_234_567)).toBe('1,234,567');
    expect(pt.share(0.3456)).toBe('34,56%');
    expect(en.share(0.3456)).toBe('34.56%');
  });

  test('are short on an axis', () => {
    expect(en.compact(12_345)).toBe('12.3K');
    expect(pt.compact(12_345).replace(/\s/, ' ')).toBe('12,3 mil');
  });

  test('show as many digits of a share as its axis needs', () => {
    expect(en.shareTick(0.5, 0.05)).toBe('50%');
    expect(en.shareTick(0.125, 0.025)).toBe('12.5%');
    expect(en.shareTick(0.5, 0.005)).toBe('50.0%');
    expect(en.shareTick(0.5, 0.0005)).toBe('50.00%');
    expect(en.shareTick(0.5, 0.00005)).toBe('50.000%');
    expect(en.shareTick(0.5, 1 / 3)).toBe('50.00%');
  });

  test('carry their sign where they are differences', () => {
    expect(pt.points(0.0123)).toBe('+1,2');
    expect(pt.points(-0.0123)).toBe('-1,2');
    expect(pt.points(0)).toBe('0,0');
  });
});

describe('durations', () => {
  test('come in the unit that fits', () => {
    expect(pt.duration(0.42)).toEqual({ value: '0,4', unit: 'ms' });
    expect(pt.duration(123.4)).toEqual({ value: '123', unit: 'ms' });
    expect(pt.duration(1_500)).toEqual({ value: '1,5', unit: 's' });
    expect(pt.duration(90_000)).toEqual({ value: '1,5', unit: 'min' });
    expect(pt.duration(5_400_000)).toEqual({ value: '1,5', unit: 'h' });
  });

  test('as ages are whole', () => {
    expect(pt.age(7_900)).toBe('7 s');
    expect(pt.age(200_000)).toBe('3 min');
    expect(pt.age(7_300_000)).toBe('2 h');
    expect(pt.age(-5)).toBe('0 s');
  });

  test('count down to zero only at the instant itself', () => {
    expect(pt.countdown(1)).toBe('00:00:01');
    expect(pt.countdown(0)).toBe('00:00:00');
    expect(pt.countdown(-9)).toBe('00:00:00');
    expect(pt.countdown(3_661_000)).toBe('01:01:01');
    expect(pt.countdown(90_061_000)).toBe('1 d 01:01:01');
  });
});

describe('times', () => {
  test('are those of the zone that is asked for', () => {
    expect(pt.clock(AT, ZONE)).toBe('20:31:05');
    expect(pt.clock(AT, 'UTC')).toBe('23:31:05');
    expect(pt.shortClock(AT, ZONE)).toBe('20:31');
    expect(pt.day(AT, ZONE)).toBe('21/11');
    expect(pt.moment(AT, ZONE)).toContain('21 de nov');
  });

  test('begin a day with 00, not with 24', () => {
    expect(en.shortClock(Date.parse('2026-11-21T00:05:00Z'), 'UTC')).toBe('00:05');
  });
});

describe('machines', () => {
  test('are measured in binary bytes and whole percents', () => {
    expect(pt.bytes(56 * 1_048_576)).toBe('56 MiB');
    expect(pt.bytes(1.5 * 1_073_741_824)).toBe('1,5 GiB');
    expect(pt.cpu(61.4)).toBe('61%');
  });
});
