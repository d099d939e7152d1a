/** Proves that the printed statement holds every line with its steps, exactly, in each language. */
import { describe, expect, test } from 'bun:test';
import { renderStatementPage } from './page.ts';
import type { Statement, StatementLine } from './statement.ts';

const ASSETS = { style: '/assets/report.css', icon: '/favicon.ico' };
const SPAN = { from: '2026-11-01T03:00:00.000Z', to: '2026-12-01T03:00:00.000Z' };

function line(fields: Partial<StatementLine> = {}): StatementLine {
  const tier = { kind: 'tier', words: '', quantity: '1000', unitPrice: '0.05', tier: 1 };
  const discount = { kind: 'discount', words: '', quantity: null, unitPrice: null, tier: null };
  return {
    id: 'charge-1',
    kind: 'usage',
    ...SPAN,
    sku: 'storage',
    unit: 'GiB',
    quantity: '12345678901234567890.000000000000000001',
    pulses: 3,
    steps: [
      { ...tier, amount: '1234.5678', subtotal: '1234.5678' },
      { ...discount, amount: '-0.25', subtotal: '1234.3178' },
    ],
    precise: '1234.3178',
    rounded: '1234.30',
    currency: 'BRL',
    adjusts: null,
    ...fields,
  };
}

function statementOf(fields: Partial<Statement> = {}): Statement {
  const totals = [{ currency: 'BRL', amount: '1234.30', lines: 1 }];
  return {
    tenant: 'Acme & Söhne',
    ...SPAN,
    final: true,
    periods: [
      {
        contract: 'acme-2026',
        timeZone: 'America/Sao_Paulo',
        state: 'final',
        ...SPAN,
        lines: [line()],
        totals,
      },
    ],
    totals,
    unpriced: [],
    generatedAt: '2026-12-05T12:00:00.000Z',
    ...fields,
  };
}

const page = (language: 'pt-BR' | 'en' | 'es', fields: Partial<Statement> = {}): string =>
  renderStatementPage({ language, assets: ASSETS, statement: statementOf(fields) });

describe('the page', () => {
  test.each([
    ['pt-BR', 'faixa 1: 1.000 × 0,05', 'BRL 1.234,30', 'Definitivo'],
    ['en', 'tier 1: 1,000 × 0.05', 'BRL 1,234.30', 'Final'],
    ['es', 'tramo 1: 1000 × 0,05', 'BRL 1234,30', 'Definitivo'],
  ] as const)(
    'in %s writes steps, money and standing as its readers do',
    (language, step, money, standing) => {
      const text = page(language);
      expect(text).toContain(`<html lang="${language}">`);
      for (const words of [step, money, standing]) expect(text).toContain(words);
    },
  );

  test('loses no digit, and tells periods on the clocks of the contract', () => {
    const text = page('en');
    expect(text).toContain('12,345,678,901,234,567,890.000000000000000001 GiB');
    expect(text).toContain('\u22120.25');
    expect(text).toContain('11/01/2026, 00:00');
  });

  test('escapes what others wrote, and holds no script or inline style', () => {
    const text = page('en');
    expect(text).toContain('Acme &amp; Söhne');
    expect(text).not.toMatch(/<script|<style|style="/);
  });

  test('says what adjusts another period, and what has no price', () => {
    const adjusts = { from: '2026-10-01T03:00:00.000Z', to: SPAN.from };
    const [period] = statementOf().periods;
    if (period === undefined) throw new Error('no period');
    const lines = [line({ kind: 'adjustment', adjusts })];
    const unpriced = [
      {
        ...SPAN,
        sku: 'sms',
        unit: 'message',
        quantity: '7',
        pulses: 1,
        reason: 'no_price' as const,
      },
    ];
    const text = page('en', { final: false, periods: [{ ...period, lines }], unpriced });
    expect(text).toContain('Adjustment of the period 10/01/2026, 00:00');
    expect(text).toContain('no price');
    expect(text).toContain('So far');
  });

  test('says from when to when only of what does not fill its period', () => {
    const [period] = statementOf().periods;
    if (period === undefined) throw new Error('no period');
    const later = { from: '2026-11-15T03:00:00.000Z', to: SPAN.to };
    expect(page('en')).not.toContain('11/15/2026, 00:00');
    const parts = [line(), line({ id: 'later', ...later })];
    expect(page('en', { periods: [{ ...period, lines: parts }] })).toContain('11/15/2026, 00:00');
  });

  test('adds periods up where there are several, and says the sum of one but once', () => {
    const { periods } = statementOf();
    const sums = (text: string) => text.match(/<th scope="row" colspan="\d">Total</g)?.length;
    expect(sums(page('en'))).toBe(1);
    expect(sums(page('en', { periods: [...periods, ...periods] }))).toBe(3);
  });

  test('of a period without lines says so, and of one without a contract is in UTC', () => {
    const [period] = statementOf().periods;
    if (period === undefined) throw new Error('no period');
    const empty = { ...period, lines: [], totals: [] };
    expect(page('en', { periods: [empty], totals: [] })).toContain('Nothing was charged');
    expect(page('en', { periods: [], totals: [] })).toContain('<dd>UTC</dd>');
  });
});
