/** Proves in a real browser that the reader at `/docs` shows the routes of metering and asks them, under the page's own policy. */
import { afterAll, beforeAll, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser } from 'playwright-core';
import { launchBrowser } from '../support/browser.ts';
import { type RunningServe, startServe } from '../support/serve.ts';

setDefaultTimeout(120_000);

const HOUR_MS = 3_600_000;

let server: RunningServe;
let browser: Browser;
beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
});
afterAll(async () => {
  await browser.close();
  await server.stop();
});

test('lists what metering is asked, and usage is asked from the page', async () => {
  const page = await browser.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (message.type() === 'error') faults.push(message.text());
  });
  await page.goto(`${server.url}/docs`);
  const operation = (path: string) =>
    page.locator('.opblock').filter({ has: page.locator(`[data-path="${path}"]`) });
  for (const path of ['/v1/usage', '/v1/charges', '/v1/pulses/{id}', '/v1/dead-letters']) {
    await operation(path).first().waitFor();
  }

  await page.locator('.auth-wrapper .authorize').click();
  const tokens = page.locator('.auth-container');
  await tokens.first().waitFor();
  for (const input of await tokens.locator('input').all()) await input.fill(server.token);
  // Each that is pressed is no longer one to press.
  const authorize = tokens.locator('button.authorize', { hasText: 'Authorize' });
  for (let left = await authorize.count(); left > 0; left -= 1) await authorize.first().click();
  await page.locator('.close-modal').click();

  const usage = operation('/v1/usage').first();
  await usage.locator('.opblock-summary-control').click();
  await usage.locator('.try-out__btn').click();
  const now = Math.floor(Date.now() / HOUR_MS) * HOUR_MS;
  const field = (name: string) => usage.locator(`tr[data-param-name="${name}"]`);
  await field('from')
    .locator('input')
    .fill(new Date(now - HOUR_MS).toISOString());
  await field('to').locator('input').fill(new Date(now).toISOString());
  await field('granularity').locator('select').selectOption('PT1H');
  await usage.locator('button.execute').click();
  await usage.locator('.live-responses-table .response-col_status', { hasText: '200' }).waitFor();
  expect(await usage.locator('.live-responses-table').innerText()).toContain(
    '"granularity": "PT1H"',
  );
  expect(faults).toEqual([]);
});
