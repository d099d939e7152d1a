/** Proves in a real browser, on a real server, that the report reads well on a screen and goes onto paper whole. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { renderReportPage } from '../../web/report/page.ts';
import type { Report } from '../../web/report/report.ts';
import { ApiClient } from '../support/api-client.ts';
import { axeViolations, launchBrowser } from '../support/browser.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

setDefaultTimeout(120_000);

const HOUR_MS = 3_600_000;
const LANGUAGES = ['pt-BR', 'en', 'es'] as const;
const WEEK_HOURS = 168;
const OPTIONS = 10;
/** A4 at 96 dots an inch, without the page's margins. */
const PAPER_WIDTH = 688;

let server: RunningServe;
let browser: Browser;
let address: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
  const operator = new ApiClient(() => server);
  const options = [
    { id: 'a', name: 'Ana Beatriz' },
    { id: 'b', name: 'Davi Moreira' },
    { id: 'c', name: 'Maria do Carmo' },
  ];
  const poll = await operator.openPoll('paredao', { options });
  await operator.votes(poll, 'a', 2);
  await operator.votes(poll, 'b', 1);
  address = new URL(`/v1/polls/${poll}/report`, server.url).href;
  await waitUntil('the report has the votes', async () => {
    const headers = { authorization: `Bearer ${server.token}`, accept: 'application/json' };
    const { total } = (await (await fetch(address, { headers })).json()) as Pick<Report, 'total'>;
    return total === 3;
  });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** Runs a test on a page that an operator opens, and expects it to be without faults in the end. */
async function onPage(width: number, work: (page: Page) => Promise<void>): Promise<void> {
  const context = await browser.newContext({
    viewport: { width, height: 1_200 },
    locale: 'pt-BR',
    extraHTTPHeaders: { authorization: `Bearer ${server.token}` },
  });
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => faults.push(message.text()));
  page.on('requestfailed', (request) => faults.push(request.url()));
  try {
    await work(page);
    expect(faults).toEqual([]);
  } finally {
    await context.close();
  }
}

const overflow = (page: Page) =>
  page.evaluate<number>('document.documentElement.scrollWidth - innerWidth');

/** How many sheets the page takes; printing it is part of the question. */
async function sheetsOf(page: Page): Promise<number> {
  const pdf = await page.pdf({ preferCSSPageSize: true });
  return pdf.toString('latin1').match(/\/Type\s*\/Page\b(?!s)/g)?.length ?? 0;
}

/** A week of ten options with large counts, opened as if the server had it. */
async function openWeek(page: Page): Promise<void> {
  await page.goto(address);
  const style = (await page.locator('link[rel=stylesheet]').getAttribute('href')) ?? '';
  const assets = { style, icon: '/favicon.ico' };
  const html = renderReportPage({ language: 'pt-BR', assets, report: weekReport() });
  const week = new URL('/week', server.url).href;
  await page.route(week, (route) => route.fulfill({ body: html, contentType: 'text/html' }));
  await page.goto(week);
}

function weekReport(): Report {
  const start = Date.parse('2026-11-14T20:00:00Z');
  const time = (hour: number) => new Date(start + hour * HOUR_MS).toISOString();
  const options = Array.from({ length: OPTIONS }, (_, index) => ({
    id: `o${index}`,
    name: ['Ana Beatriz', 'Davi Moreira', 'Maria do Carmo'][index % 3] ?? '',
    votes: WEEK_HOURS * 1_234_567,
    share: 1 / OPTIONS,
    leader: index === 0,
  }));
  const hours = Array.from({ length: WEEK_HOURS }, (_, hour) => ({
    from: time(hour),
    to: time(hour + 1),
    total: OPTIONS * 1_234_567,
    options: Object.fromEntries(options.map(({ id }) => [id, 1_234_567])),
  }));
  const total = OPTIONS * WEEK_HOURS * 1_234_567;
  return {
    poll: 'final',
    title: 'Paredão: quem deve sair?',
    logId: 'a26ef5e25294455bf3b2',
    state: 'closed',
    final: true,
    timeZone: 'America/Sao_Paulo',
    opensAt: time(0),
    closesAt: time(WEEK_HOURS),
    closedAt: time(WEEK_HOURS),
    total,
    options,
    hours,
    peakMinute: { from: time(3), to: time(3), votes: 3_000_000 },
    peakHour: { from: time(3), to: time(4), votes: OPTIONS * 1_234_567 },
    books: {
      logged: total,
      counted: total,
      duplicate: 0,
      expired: 0,
      late: 0,
      voided: 0,
      valid: total,
      flagged: 0,
      balanced: true,
    },
    record: null,
    comparison: null,
    version: 4_711,
    offsets: [{ partition: 0, next: 4_711 }],
    asOf: time(WEEK_HOURS),
    generatedAt: time(WEEK_HOURS),
  };
}

describe('the report', () => {
  test.each(LANGUAGES)('is accessible in %s, on a screen and on a phone', async (language) => {
    for (const width of [1_000, 360]) {
      await onPage(width, async (page) => {
        await page.goto(`${address}?lang=${language}`, { waitUntil: 'load' });
        expect(await page.locator('html').getAttribute('lang')).toBe(language);
        expect(await axeViolations(page)).toEqual([]);
        expect(await overflow(page)).toBeLessThanOrEqual(0);
      });
    }
  });

  test('is what a browser gets, with the counts of the poll and a bar for each', () =>
    onPage(1_000, async (page) => {
      await page.goto(address);
      const rows = page.locator('section[aria-labelledby=result] tbody tr');
      expect(await rows.count()).toBe(3);
      expect(await rows.first().innerText()).toMatch(/Ana Beatriz\s+2\s+66,67%/);
      const bars = await page.evaluate<number[]>(`
        [...document.querySelectorAll('.bar rect')].map((bar) => bar.getBoundingClientRect().width)`);
      expect(bars[0]).toBeGreaterThan(100);
      expect(bars[1]).toBeCloseTo((bars[0] ?? 0) / 2, 1);
      expect(bars[2]).toBe(0);
    }));

  test('of a day’s poll is printed on a sheet or two', () =>
    onPage(1_000, async (page) => {
      await page.goto(address);
      const sheets = await sheetsOf(page);
      expect(sheets).toBeGreaterThan(0);
      expect(sheets).toBeLessThanOrEqual(2);
    }));

  test('of a week fits the width of the paper, and repeats the names on every sheet', () =>
    onPage(PAPER_WIDTH, async (page) => {
      await openWeek(page);
      await page.emulateMedia({ media: 'print' });
      expect(await overflow(page)).toBeLessThanOrEqual(0);
      const display = `getComputedStyle(document.querySelector('.hours thead')).display`;
      expect(await page.evaluate<string>(display)).toBe('table-header-group');
      const sheets = await sheetsOf(page);
      expect(sheets).toBeGreaterThan(5);
      expect(sheets).toBeLessThan(12);
    }));
});
