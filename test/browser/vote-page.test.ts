/** Proves in a real browser, on a real server, that anybody can vote on the page and that it keeps its word. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser, Page, Route } from 'playwright-core';
import { ApiClient, type Json } from '../support/api-client.ts';
import {
  axeViolations,
  launchBrowser,
  layoutShift,
  openPhone,
  type Phone,
  type PhoneOptions,
  recordLayoutShifts,
} from '../support/browser.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

setDefaultTimeout(120_000);

const HOUR_MS = 3_600_000;
const MINUTE_MS = 60_000;
const TWENTY_MINUTES_MS = 1_200_000;
const LANGUAGES = ['pt-BR', 'en', 'es'] as const;

let server: RunningServe;
let operator: ApiClient;
let made = 0;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
  operator = new ApiClient(() => server);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** A poll of its own for a test, of three options; resolves to its id. */
function createPoll(fields: Json = {}): Promise<string> {
  made += 1;
  const options = [
    { id: 'ana', name: 'Ana Beatriz' },
    { id: 'davi', name: 'Davi Moreira' },
    { id: 'maria', name: 'Maria do Carmo' },
  ];
  const title = 'Quem você quer eliminar no paredão desta semana?';
  return operator.createPoll(`paredao-${made}`, { title, options, ...fields });
}

async function openPoll(fields?: Json): Promise<string> {
  const poll = await createPoll(fields);
  await operator.act(poll, 'open');
  return poll;
}

/** Waits until all that is in the log is counted, and wants so many votes. */
async function expectTotal(poll: string, total: number): Promise<void> {
  expect((await operator.countsAtRest(poll)).total).toBe(total);
}

/** Runs a test on a phone that shows a poll, and expects a page without faults in the end. */
async function onPhone(
  work: (phone: Phone, poll: string) => Promise<void>,
  options: PhoneOptions & { readonly poll?: Readonly<Record<string, unknown>> } = {},
): Promise<void> {
  const poll = await openPoll(options.poll);
  const phone = await openPhone(browser, options);
  try {
    await work(phone, poll);
    expect(phone.faults).toEqual([]);
  } finally {
    await phone.context.close();
  }
}

const addressOf = (poll: string) => new URL(`/p/${poll}`, server.url).href;

async function show(page: Page, poll: string, lang = ''): Promise<void> {
  await page.goto(lang === '' ? addressOf(poll) : `${addressOf(poll)}?lang=${lang}`);
  await page.waitForSelector('html.js');
}

async function vote(page: Page, option: string): Promise<void> {
  await page.locator('label.option', { has: page.locator(`input[value="${option}"]`) }).click();
  await page.click('#vote');
}

const registered = (page: Page) => page.waitForSelector('#outcome[data-tone=good]');
/** When a key was made, by its first 48 bits (RFC 9562), ms. */
const timeOf = (key: string): number => Number.parseInt(key.replaceAll('-', '').slice(0, 12), 16);
const textOf = (page: Page, selector: string) => page.locator(selector).innerText();
/** Waits until the element says so. The page's policy allows no code to wait inside of it. */
async function says(page: Page, selector: string, words: string | RegExp): Promise<void> {
  let text = '';
  const isSaid = async () => {
    text = (await page.locator(selector).textContent()) ?? '';
    return typeof words === 'string' ? text === words : words.test(text);
  };
  try {
    await waitUntil(`${selector} says ${words}`, isSaid);
  } catch (cause) {
    throw new Error(`${selector} says "${text}", not ${words}`, { cause });
  }
}

const votesOf = (poll: string) => `**/v1/polls/${poll}/votes`;

describe('a voter', () => {
  test('votes by touch: chooses, confirms by name, gets a receipt that counts, sees the result', () =>
    onPhone(async ({ page }, poll) => {
      await show(page, poll);
      expect(await textOf(page, '#vote')).toBe('Votar');
      await vote(page, 'davi');
      await registered(page);
      expect(await textOf(page, '#outcome-title')).toBe('Voto registrado');
      expect(await textOf(page, '#outcome-choice')).toBe('Você votou em Davi Moreira');
      expect(await textOf(page, '#receipt-code')).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7/);
      await says(page, '[data-option=davi] .bar-figure', '100,00%');
      await expectTotal(poll, 1);
      expect((await operator.countsAtRest(poll)).votes).toEqual({ ana: 0, davi: 1, maria: 0 });
      await page.click('#receipt-check');
      await says(page, '#receipt-note', 'O voto foi contado.');
    }));

  test('who checks the receipt while the vote is on its way need not ask again to see it counted', () =>
    onPhone(async ({ page }, poll) => {
      let asks = 0;
      const isRead = Promise.withResolvers<void>();
      await page.route('**/receipts/*', async (route) => {
        asks += 1;
        if (asks > 1) return await isRead.promise.then(() => route.continue());
        const id = route.request().url().split('/').at(-1) ?? '';
        await route.fulfill({ json: { id, poll, status: 'pending', acceptedAt: null } });
      });
      await show(page, poll);
      await vote(page, 'ana');
      await registered(page);
      await page.click('#receipt-check');
      await says(page, '#receipt-note', 'O voto ainda está a caminho da contagem.');
      isRead.resolve();
      await says(page, '#receipt-note', 'O voto foi contado.');
    }));

  test('votes again as often as the poll allows, one count a vote', () =>
    onPhone(async ({ page }, poll) => {
      await show(page, poll);
      for (const [round, option] of ['ana', 'maria', 'ana', 'ana', 'davi', 'ana'].entries()) {
        await vote(page, option);
        await registered(page);
        await expectTotal(poll, round + 1);
        await page.waitForTimeout(500); // a double tap does not vote again
        await page.click('#again');
        await page.waitForSelector('#ballot:not([hidden])');
      }
      expect((await operator.countsAtRest(poll)).votes).toEqual({ ana: 4, davi: 1, maria: 1 });
    }));

  test('votes by keyboard alone, and nothing is sent before the button', () =>
    onPhone(async ({ page }, poll) => {
      let sent = 0;
      page.on('request', (request) => {
        if (request.url().endsWith('/votes')) sent += 1;
      });
      await show(page, poll);
      const focused = () =>
        page.evaluate<string>(`document.activeElement.id || document.activeElement.value || ''`);
      for (let presses = 0; presses < 10 && (await focused()) !== 'ana'; presses++) {
        await page.keyboard.press('Tab');
      }
      await page.keyboard.press('ArrowDown');
      await page.keyboard.press('ArrowDown');
      expect(await focused()).toBe('maria');
      expect(await textOf(page, '#vote')).toBe('Votar em Maria do Carmo');
      await page.keyboard.press('Tab');
      expect(await focused()).toBe('vote');
      expect(sent).toBe(0);
      await page.keyboard.press('Enter');
      await registered(page);
      expect(await focused()).toBe('outcome-title');
      await expectTotal(poll, 1);
    }));

  test('who has not chosen is told so, and led to the options', () =>
    onPhone(async ({ page }, poll) => {
      await show(page, poll);
      await page.click('#vote');
      expect(await textOf(page, '#ballot-problem')).toBe('Escolha uma opção para votar.');
      expect(await page.evaluate<string>('document.activeElement.value')).toBe('ana');
      await expectTotal(poll, 0);
    }));

  test('without JavaScript votes by the form, once however often it is sent', () =>
    onPhone(
      async ({ page }, poll) => {
        await page.goto(addressOf(poll));
        await vote(page, 'ana');
        await page.waitForSelector('#outcome[data-tone=good]');
        expect(await textOf(page, '#outcome')).toContain('Voto registrado');
        expect(await textOf(page, '#results')).toContain('Ana Beatriz');
        await page.reload(); // sends the form again
        await page.waitForSelector('#outcome[data-tone=good]');
        await page.goto(addressOf(poll));
        await expectTotal(poll, 1);
      },
      { javaScriptEnabled: false },
    ));
});

describe('a phone', () => {
  test.each([-2, 2])('whose clock is %d h off votes all the same, and counts down right', (hours) =>
    onPhone(
      async ({ page }, poll) => {
        await page.clock.install({ time: Date.now() + hours * HOUR_MS });
        await show(page, poll);
        expect(await textOf(page, '#countdown')).toMatch(
          /^Faltam (59 min \d\d s|1 h 00 min 00 s)$/,
        );
        await vote(page, 'ana');
        await registered(page);
        await expectTotal(poll, 1);
      },
      { poll: { closesAt: new Date(Date.now() + HOUR_MS).toISOString() } },
    ),
  );

  test('of 320 px shows every state without scrolling sideways', () =>
    onPhone(
      async ({ page }, poll) => {
        const expectNoOverflow = async () => {
          expect(await page.evaluate<number>('document.documentElement.scrollWidth')).toBe(320);
        };
        for (const lang of LANGUAGES) {
          await show(page, poll, lang);
          await expectNoOverflow();
        }
        await vote(page, 'davi');
        await registered(page);
        await expectNoOverflow();
        await page.goto(new URL('/p/none', server.url).href);
        await expectNoOverflow();
      },
      {
        width: 320,
        poll: {
          title: 'Otorrinolaringologista ou anticonstitucionalissimamente?',
          options: [
            { id: 'ana', name: 'Anticonstitucionalissimamente Pneumoultramicroscopicossilico' },
            { id: 'davi', name: 'X'.repeat(60) },
            { id: 'maria', name: 'M' },
          ],
        },
      },
    ));

  test('shows title, countdown, options and button on the first screen of 360 × 640', () =>
    onPhone(
      async ({ page }, poll) => {
        await show(page, poll);
        for (const selector of ['h1', '#countdown', 'label.option >> nth=3', '#vote']) {
          const box = await page.locator(selector).boundingBox();
          expect((box?.y ?? 0) + (box?.height ?? 9_999)).toBeLessThanOrEqual(640);
        }
      },
      {
        poll: {
          closesAt: new Date(Date.now() + HOUR_MS).toISOString(),
          options: ['Ana', 'Davi', 'Maria', 'João'].map((name) => ({ name })),
        },
      },
    ));

  test.each([
    [360, 640],
    [768, 1024],
  ])('of %d × %d px sees nothing jump, from the first paint to the result', (width, height) =>
    onPhone(
      async ({ context, page }, poll) => {
        await recordLayoutShifts(context);
        // Slow answers: what is shifted then is not excused by the tap that asked for it.
        await page.route(votesOf(poll), async (route) => {
          await Bun.sleep(800);
          await route.continue();
        });
        await show(page, poll);
        await page.waitForTimeout(300);
        await vote(page, 'maria');
        await registered(page);
        await says(page, '[data-option=maria] .bar-figure', '100,00%');
        await page.waitForTimeout(600);
        expect(await layoutShift(page)).toBeLessThan(0.01);
      },
      { width, height },
    ),
  );

  test('offers targets of at least 44 px', () =>
    onPhone(async ({ page }, poll) => {
      await show(page, poll);
      const check = async () => {
        for (const target of await page
          .locator('a:visible, button:visible, label.option:visible')
          .all()) {
          const box = await target.boundingBox();
          expect(Math.min(box?.width ?? 0, box?.height ?? 0)).toBeGreaterThanOrEqual(44);
        }
      };
      await check();
      await vote(page, 'ana');
      await registered(page);
      await check();
    }));
});

describe('the network', () => {
  test('loses the answer after the vote has arrived: sent again under the same key, it counts once', () =>
    onPhone(async ({ page }, poll) => {
      const isRead = Promise.withResolvers<void>();
      const keys = await watchKeys(page, poll, async (route, attempt) => {
        if (attempt > 1) return await isRead.promise.then(() => route.continue());
        await route.fetch(); // it arrives …
        await route.abort(); // … and the answer is lost
      });
      await show(page, poll);
      await vote(page, 'davi');
      await says(page, '#outcome-text', /^Sem conexão/);
      isRead.resolve();
      await registered(page);
      expect(keys.length).toBeGreaterThanOrEqual(2);
      expect(new Set(keys).size).toBe(1);
      await expectTotal(poll, 1);
    }));

  test('is away when the page is reloaded: the vote is still there, with its key, and counts once', () =>
    onPhone(async ({ page }, poll) => {
      let isAway = true;
      const keys = await watchKeys(page, poll, (route) =>
        isAway ? route.abort() : route.continue(),
      );
      await show(page, poll);
      await vote(page, 'ana');
      await says(page, '#outcome-title', /guardado/);
      await show(page, poll);
      expect(await textOf(page, '#outcome')).toContain('Ana Beatriz');
      isAway = false;
      await registered(page);
      expect(new Set(keys).size).toBe(1);
      await expectTotal(poll, 1);
    }));

  test('known to be away for 20 minutes: the vote leaves when it is back, once, under a key in server time', () =>
    onPhone(async ({ context, page }, poll) => {
      const keys = await watchKeys(page, poll, (route) => route.continue());
      await page.clock.install();
      await show(page, poll);
      await context.setOffline(true);
      await vote(page, 'ana');
      await page.clock.runFor(2_000);
      await says(page, '#outcome', /Sem conexão. Seu voto está guardado neste aparelho/);
      await page.clock.runFor(TWENTY_MINUTES_MS);
      expect(keys).toEqual([]);
      // On the phone's clock 20 minutes have gone by; on the server's none: the page must ask the time.
      await context.setOffline(false);
      await registered(page);
      // The browser says that it is online a moment before its network is: a first try may still fail
      // there, and goes out again, under another key where the server has said that it knows nothing of it.
      const ages = keys.map((key) => Math.abs(timeOf(key) - Date.now()));
      expect(Math.min(...ages.map((age) => MINUTE_MS - age))).toBeGreaterThan(0);
      await expectTotal(poll, 1);
    }));

  test('lost unawares for 20 minutes after the vote arrived: its receipt is asked, nothing is sent', () =>
    onPhone(async ({ page }, poll) => {
      const keys = await watchKeys(page, poll, async (route, attempt) => {
        if (attempt === 1) await route.fetch(); // it arrives, and the answer is lost
        await route.abort();
      });
      await page.clock.install();
      await show(page, poll);
      await vote(page, 'ana');
      await says(page, '#outcome-title', /guardado/);
      await expectTotal(poll, 1);
      await page.clock.fastForward(TWENTY_MINUTES_MS);
      await registered(page);
      expect(await textOf(page, '#outcome-text')).toBe('Já foi contado, uma única vez.');
      expect(new Set(keys).size).toBe(1);
      await expectTotal(poll, 1);
    }));

  test('lost unawares before the vote arrived: only the receipt frees it to leave under a new key', () =>
    onPhone(async ({ page }, poll) => {
      let isAway = true;
      const keys = await watchKeys(page, poll, (route) =>
        isAway ? route.abort() : route.continue(),
      );
      // The real server's clock stands still while 20 minutes pass on the phone, so the answer that it
      // would give then is given for it.
      const asked: string[] = [];
      await page.route('**/receipts/*', async (route) => {
        const id = route.request().url().split('/').at(-1) ?? '';
        asked.push(id);
        isAway = false;
        await route.fulfill({ json: { id, poll, status: 'not_counted_final', acceptedAt: null } });
      });
      await page.clock.install();
      await show(page, poll);
      await vote(page, 'ana');
      await says(page, '#outcome-title', /guardado/);
      await page.clock.fastForward(TWENTY_MINUTES_MS);
      await registered(page);
      expect(asked).toEqual([keys[0] ?? '']);
      expect(keys.at(-1)).not.toBe(keys[0] ?? '');
      await expectTotal(poll, 1);
    }));

  test('is away until the poll has ended: the page says that the vote was not sent', () =>
    onPhone(
      async ({ context, page }, poll) => {
        await page.clock.install();
        await show(page, poll);
        await context.setOffline(true);
        await vote(page, 'ana');
        await page.clock.runFor(HOUR_MS + 5_000);
        await says(page, '#outcome-title', 'Voto não enviado');
        expect(await textOf(page, '#outcome-text')).toContain('não foi contado');
        expect(await textOf(page, '#status-title')).toBe('Votação encerrada');
        await expectTotal(poll, 0);
      },
      { poll: { closesAt: new Date(Date.now() + HOUR_MS).toISOString() } },
    ));

  test('gets no peace for a server that asks for it: 503 is waited out, under the same key', () =>
    onPhone(async ({ page }, poll) => {
      const isRead = Promise.withResolvers<void>();
      const keys = await watchKeys(page, poll, (route, attempt) =>
        attempt > 1
          ? isRead.promise.then(() => route.continue())
          : route.fulfill({
              status: 503,
              headers: { 'retry-after': '1' },
              json: { code: 'outcome_unknown' },
            }),
      );
      await show(page, poll);
      await vote(page, 'maria');
      await says(page, '#outcome-text', /^Há muita gente/);
      isRead.resolve();
      await registered(page);
      expect(new Set(keys).size).toBe(1);
      await expectTotal(poll, 1);
    }));
});

/** Steers the attempts to vote, and records the key of each. */
async function watchKeys(
  page: Page,
  poll: string,
  steer: (route: Route, attempt: number) => Promise<unknown>,
): Promise<readonly string[]> {
  const keys: string[] = [];
  await page.route(votesOf(poll), async (route) => {
    keys.push(route.request().headers()['idempotency-key'] ?? '');
    await steer(route, keys.length);
  });
  return keys;
}

describe('the page moves with the poll', () => {
  test('it pauses, goes on and ends while it is open, without a reload', () =>
    onPhone(
      async ({ page }, poll) => {
        await show(page, poll);

        await operator.act(poll, 'pause');
        await says(page, '#status-title', 'A votação está em pausa');
        expect(await page.locator('#vote').isVisible()).toBe(false);
        await operator.act(poll, 'resume');
        await says(page, '#status-title', 'Votação aberta');
        await vote(page, 'ana');
        await registered(page);
        await operator.act(poll, 'close');
        await says(page, '#status-title', 'Votação encerrada');
        expect(await page.locator('#again').isVisible()).toBe(false);
        await says(page, '#results-title', 'Resultado');
      },
      { poll: { resultsVisibility: 'always', resultsDetail: 'count' } },
    ));

  test("another voter's vote is seen live", () =>
    onPhone(
      async ({ page }, poll) => {
        await show(page, poll);
        await says(page, '#freshness', 'Ao vivo');
        await operator.votes(poll, 'maria', 1);
        await says(page, '[data-option=maria] .bar-votes', '1 voto');
      },
      { poll: { resultsVisibility: 'always', resultsDetail: 'count' } },
    ));
});

describe.each([...LANGUAGES])('axe finds nothing in %s', (lang) => {
  const expectClean = async (page: Page) => expect(await axeViolations(page)).toEqual([]);

  test('while the poll is open, chosen, sent, and kept without a network', () =>
    onPhone(async ({ context, page }, poll) => {
      await show(page, poll, lang);
      await expectClean(page);
      await page.click('label.option >> nth=1');
      await expectClean(page);
      await page.click('#vote');
      await registered(page);
      await says(page, '[data-option=davi] .bar-figure', /^100/);
      await expectClean(page);
      await page.waitForTimeout(500);
      await page.click('#again');
      await context.setOffline(true);
      await page.click('#vote');
      await page.waitForSelector('#outcome[data-tone=waiting]');
      await expectClean(page);
    }));

  test('in the dark, too', () =>
    onPhone(
      async ({ page }, poll) => {
        await show(page, poll, lang);
        await vote(page, 'ana');
        await registered(page);
        await expectClean(page);
      },
      { colorScheme: 'dark', poll: { look: { accentColor: '#ffcc00' } } },
    ));

  test('before the start, in a pause, after the end, on the list and where there is no poll', async () => {
    const opensAt = new Date(Date.now() + HOUR_MS).toISOString();
    const before = await createPoll({ opensAt });
    const paused = await openPoll();
    await operator.act(paused, 'pause');
    const closed = await openPoll({ resultsVisibility: 'after_close' });
    await operator.act(closed, 'close');
    const { page, context } = await openPhone(browser);
    for (const path of [`/p/${before}`, `/p/${paused}`, `/p/${closed}`, '/', '/p/none']) {
      await page.goto(new URL(`${path}?lang=${lang}`, server.url).href);
      await expectClean(page);
    }
    await context.close();
  });
});
