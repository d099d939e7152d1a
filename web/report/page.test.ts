/** Proves that the printed report holds every fact, in each language, and fits its paper. */
import { describe, expect, test } from 'bun:test';
import { renderReportPage } from './page.ts';
import type { Report, ReportOption } from './report.ts';

const ASSETS = { style: '/assets/report.css', icon: '/favicon.ico' };

function option(id: string, votes: number, share: number): ReportOption {
  return { id, name: id.toUpperCase(), votes, share, leader: share >= 0.5 };
}

function reportOf(fields: Partial<Report> = {}): Report {
  return {
    poll: 'final',
    title: 'Who leaves?',
    logId: 'log-1',
    state: 'closed',
    final: true,
    timeZone: 'America/New_York',
    opensAt: '2026-11-01T05:00:00.000Z',
    closesAt: '2026-11-01T07:00:00.000Z',
    closedAt: '2026-11-01T07:00:09.000Z',
    total: 4_000,
    options: [option('ana', 3_000, 0.75), option('bia', 1_000, 0.25)],
    hours: [
      {
        from: '2026-11-01T05:00:00.000Z',
        to: '2026-11-01T06:00:00.000Z',
        total: 1_000,
        options: { ana: 1_000 },
      },
      {
        from: '2026-11-01T06:00:00.000Z',
        to: '2026-11-01T07:00:00.000Z',
        total: 3_000,
        options: { ana: 2_000, bia: 1_000 },
      },
    ],
    peakMinute: {
      from: '2026-11-01T06:07:00.000Z',
      to: '2026-11-01T06:08:00.000Z',
      votes: 912,
    },
    peakHour: null,
    books: {
      logged: 4_111,
      counted: 4_000,
      duplicate: 100,
      expired: 1,
      late: 10,
      voided: 0,
      valid: 4_000,
      flagged: 0,
      balanced: true,
    },
    record: {
      acts: [
        { at: '2026-11-01T05:00:00.000Z', actor: 'clock', act: 'open', detail: null },
        { at: '2026-11-01T07:30:00.000Z', actor: 'operator', act: 'unheard_of', detail: 'why' },
      ],
      actsLeftOff: false,
      voids: [],
      consistency: { state: 'consistent', checkedAt: '2026-11-01T07:29:59.000Z', detail: null },
    },
    comparison: null,
    version: 77,
    offsets: [{ partition: 0, next: 77 }],
    asOf: '2026-11-01T07:30:00.000Z',
    generatedAt: '2026-11-01T07:30:01.000Z',
    ...fields,
  };
}

const render = (fields: Partial<Report> = {}, language: 'pt-BR' | 'en' | 'es' = 'en') =>
  renderReportPage({ language, assets: ASSETS, report: reportOf(fields) });

/** What a reader sees: the text without markup, spaces run together. */
const textOf = (page: string) => page.replaceAll(/<[^>]+>/g, ' ').replaceAll(/\s+/g, ' ');

describe('the printed report', () => {
  test('tells totals, peak, books, position, acts and when it was made, with the zone', () => {
    const text = textOf(render());
    expect(text).toContain('ANA 3,000 75.00%');
    expect(text).toContain('Total 4,000 100.00%');
    expect(text).toContain('912 votes');
    expect(text).toContain('Logged 4,111');
    expect(text).toContain('The books balance.');
    expect(text).toContain('Log, live tally and ledger agree.');
    expect(text).toContain('clock Opened');
    expect(text).toContain('operator unheard_of (why)');
    expect(text).toMatch(/Made on 11\/01\/2026, 02:30:01 UTC−05:00/);
  });

  test('tells the hour that clocks show twice apart', () => {
    const text = textOf(render());
    expect(text).toContain('11/01/2026, 01:00–01:00 UTC−4');
    expect(text).toContain('11/01/2026, 01:00–02:00 UTC−5');
    expect(textOf(render({ timeZone: 'America/Sao_Paulo' }))).toContain('02:00–03:00 1,000');
  });

  test.each([
    ['pt-BR', 'Relatório da votação', '75,00%'],
    ['en', 'Report of the vote', '75.00%'],
    ['es', 'Informe de la votación', '75,00 %'],
  ] as const)('speaks %s', (language, heading, share) => {
    const page = render({}, language);
    expect(page).toContain(`<html lang="${language}">`);
    expect(textOf(page)).toContain(heading);
    expect(textOf(page)).toContain(share);
  });

  test('of a count that can still move says so, and shows no books that are not given', () => {
    const text = textOf(
      render({ final: false, state: 'open', books: null, record: null, hours: [] }),
    );
    expect(text).toContain('Result so far The count can still move.');
    expect(text).toContain('The books are shown once counting has ended.');
    expect(text).toContain('Voting has not begun.');
    expect(text).not.toContain('Acts of the operators');
  });

  test('says that books do not balance, that stores differ, and that acts are left off', () => {
    const { books, record } = reportOf();
    if (books === null || record === null) throw new Error('the sample has both');
    const text = textOf(
      render({
        books: { ...books, balanced: false },
        record: {
          ...record,
          actsLeftOff: true,
          voids: [{ at: '2026-11-01T06:00:00Z', actor: 'ines', act: 'void', detail: 'a test' }],
          consistency: { state: 'different', checkedAt: null, detail: 'partition 0' },
        },
      }),
    );
    expect(text).toContain('The books do not balance.');
    expect(text).toContain('ledger differ. partition 0');
    expect(text).toContain('There are older acts that are not listed.');
    expect(text).toContain('ines Votes voided (a test)');
  });

  test('cuts a table that is wider than the paper into parts, each with its hours and totals', () => {
    const options = Array.from({ length: 13 }, (_, index) => option(`o${index}`, 0, 0));
    const page = render({ options });
    expect(page.match(/<table class="hours">/g)).toHaveLength(3);
    expect(textOf(page)).toContain('part 3 of 3');
    for (const { name } of options) expect(page).toContain(`class="number">${name}</th>`);
  });

  test('lays polls side by side, with a dash where one has no such hour', () => {
    const of = (poll: string, hours: readonly number[], startsAt: string | null) => ({
      poll,
      title: poll.toUpperCase(),
      state: 'closed',
      final: true,
      startsAt,
      total: hours.reduce((sum, votes) => sum + votes, 0),
      options: [option('x', 1, 1)],
      hours,
    });
    const comparison = [of('a', [5, 6], '2026-11-01T05:00:00Z'), of('b', [7], null)];
    const text = textOf(render({ comparison }));
    expect(text).toContain('Hour since the opening A B');
    expect(text).toContain('1 5 7 2 6 —');
  });
});
