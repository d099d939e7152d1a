/** An operator's desk for tests: the console's metering part on a real server, signed in, in a real browser. */
import { expect } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { drawn, openPhone, type PhoneOptions } from './browser.ts';
import type { RunningServe } from './serve.ts';

const DESK: PhoneOptions = { width: 1280, height: 900 };

export interface Desk {
  readonly server: RunningServe;
  readonly browser: Browser;
  readonly options?: PhoneOptions;
  /** Done before the page is opened, such as scripting routes. */
  prepare?(page: Page): Promise<void>;
}

/** Opens the console at a place of metering, such as `/contracts`; expects a page without faults in the end. */
export async function atDesk(
  { server, browser, options = DESK, prepare }: Desk,
  place: string,
  work: (page: Page) => Promise<void>,
): Promise<void> {
  const desk = await openPhone(browser, options);
  try {
    await prepare?.(desk.page);
    await desk.page.goto(new URL(`/console#/metering${place}`, server.url).href);
    await desk.page.getByLabel('Token do operador').fill(server.token);
    await desk.page.getByRole('button', { name: 'Entrar' }).click();
    await desk.page.locator('main.metering').waitFor();
    await drawn(desk.page);
    await work(desk.page);
    expect(desk.faults).toEqual([]);
  } finally {
    await desk.context.close();
  }
}

/** Moves to another place without loading the page anew; resolves when nothing of the last one is left. */
export async function goTo(page: Page, place: string): Promise<void> {
  const hash = JSON.stringify(`#/metering${place}`);
  // The page has heard of it first, and has drawn before the next listener is called.
  await page.evaluate(`new Promise((resolve) => {
    if (location.hash === ${hash}) return resolve();
    addEventListener('hashchange', () => resolve(), { once: true });
    location.hash = ${hash};
  })`);
}

/** A request of the operator; with a body in JSON. */
export async function callAsOperator(
  server: RunningServe,
  method: string,
  path: string,
  body?: unknown,
): Promise<Response> {
  return await fetch(new URL(path, server.url), {
    method,
    headers: {
      authorization: `Bearer ${server.token}`,
      'content-type': 'application/json',
      accept: 'application/json',
    },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  });
}

/** Sends a pulse of this instant, and expects that it is taken. */
export async function sendPulse(
  server: RunningServe,
  pulse: {
    readonly id: string;
    readonly tenant: string;
    readonly productSku: string;
    readonly usedAmount: string;
    readonly useUnity: string;
  },
): Promise<void> {
  const path = '/apura.metering.v1.PulseService/Ingest';
  const response = await callAsOperator(server, 'POST', path, {
    pulses: [{ ...pulse, source: 'test', occurredAt: new Date().toISOString() }],
  });
  expect(await response.json()).toEqual({ results: [{ status: 'PULSE_STATUS_ACCEPTED' }] });
}
