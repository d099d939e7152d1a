/** A real Chromium for tests, and what tests ask of a page: no accessibility violation, nothing that jumps. */
import { createRequire } from 'node:module';
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

const NAMES = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome'];

/** Generous: a busy machine is slow, and no test is about how slow. */
const PATIENCE_MS = 60_000;

/** No sandbox, as tests often run as root; no request but those of the page. */
const ARGUMENTS = [
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--hide-scrollbars',
];

/** Starts the system's Chromium without a window. @throws when there is none: these tests are never skipped. */
export async function launchBrowser(): Promise<Browser> {
  const executablePath = NAMES.map((name) => Bun.which(name)).find((path) => path !== null);
  if (executablePath === undefined || executablePath === null) {
    throw new Error(
      'No Chromium is installed: `apt-get install chromium`, or `make test` does it.',
    );
  }
  return await chromium.launch({ executablePath, headless: true, args: ARGUMENTS });
}

export interface Phone {
  readonly context: BrowserContext;
  readonly page: Page;
  /** What went wrong on the page so far: uncaught errors, and whatever its policy has blocked. */
  readonly faults: readonly string[];
}

export interface PhoneOptions {
  readonly width?: number;
  readonly height?: number;
  readonly javaScriptEnabled?: boolean;
  readonly colorScheme?: 'light' | 'dark';
}

/** A phone in Brazil with a fresh browser. */
export async function openPhone(browser: Browser, options: PhoneOptions = {}): Promise<Phone> {
  const { width = 360, height = 640, ...others } = options;
  const context = await browser.newContext({
    viewport: { width, height },
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    reducedMotion: 'reduce',
    ...others,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  const page = await context.newPage();
  const faults: string[] = [];
  page.on('pageerror', (error) => faults.push(String(error)));
  page.on('console', (message) => {
    if (/Content Security Policy|Refused to/.test(message.text())) faults.push(message.text());
  });
  return { context, page, faults };
}

/**
 * Resolves when what the page shows has been drawn and its effects have run: before, a script's page may
 * show something and not listen yet.
 */
export async function drawn(page: Page): Promise<void> {
  await page.evaluate('new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))');
}

/** Waits until the element with this id has the focus: pages move it when they have drawn. */
export async function focused(page: Page, id: string): Promise<void> {
  await page.locator(`[id="${id}"]:focus`).waitFor();
}

/** Every violation that axe finds on the page as it is, as `rule: selector`. */
export async function axeViolations(page: Page): Promise<readonly string[]> {
  const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
  await page.evaluate(await Bun.file(axe).text());
  return await page.evaluate<string[]>(`
    axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) =>
      violations.flatMap(({ id, nodes }) => nodes.map(({ target }) => id + ': ' + target.join(' '))))
  `);
}

/** Makes every document of the context record its layout shifts, those right after an input apart. */
export async function recordLayoutShifts(context: BrowserContext): Promise<void> {
  await context.addInitScript(`
    window.layoutShift = 0;
    new PerformanceObserver((list) => {
      for (const { hadRecentInput, value } of list.getEntries()) {
        if (!hadRecentInput) window.layoutShift += value;
      }
    }).observe({ type: 'layout-shift', buffered: true });
  `);
}

/** The sum of the layout shifts recorded since the document was opened. */
export async function layoutShift(page: Page): Promise<number> {
  return await page.evaluate<number>('window.layoutShift');
}
