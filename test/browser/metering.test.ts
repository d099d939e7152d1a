/** Proves in a real browser, on a real server, that operators can follow metering, set prices and trust both. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, focused, launchBrowser, type PhoneOptions } from '../support/browser.ts';
import { callAsOperator, goTo, atDesk as openDesk, sendPulse } from '../support/metering-desk.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

setDefaultTimeout(120_000);

const HOUR_MS = 3_600_000;
const LETTER_ID = 'ab'.repeat(32);

let server: RunningServe;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
  await created('/v1/contracts', {
    id: 'acme-gold',
    tenant: 'acme',
    currency: 'BRL',
    timeZone: 'America/Sao_Paulo',
    validFrom: firstOfMonth(),
    prices: [
      {
        sku: 'storage',
        unit: 'GiB',
        model: 'tiered',
        tiersMode: 'graduated',
        tiers: [
          { upTo: '1000', unitPrice: '0.05' },
          { upTo: null, unitPrice: '0.04' },
        ],
      },
    ],
  });
  await pulse('storage', '1000.5');
  await pulse('backup', '0.000000000000000001');
  await waitUntil('the charge of acme', async () => (await totalOf('acme')) === '50.02');
  await waitUntil('what has no price', async () => {
    return (await itemsOf('/v1/charges/unpriced?tenant=acme')).length === 1;
  });
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** The first instant of this month in São Paulo, which has kept one offset for years. */
function firstOfMonth(): string {
  const now = new Date(Date.now() - 3 * HOUR_MS);
  return new Date(Date.UTC(now.getUTCFullYear(), now.getUTCMonth(), 1, 3)).toISOString();
}

const call = (method: string, path: string, body?: unknown) =>
  callAsOperator(server, method, path, body);

async function created(path: string, body: unknown): Promise<void> {
  const response = await call('POST', path, body);
  if (response.status !== 201) throw new Error(`${path}: ${await response.text()}`);
}

let made = 0;
async function pulse(productSku: string, usedAmount: string): Promise<void> {
  made += 1;
  const [tenant, useUnity] = ['acme', 'GiB'];
  await sendPulse(server, { id: `p-${made}`, tenant, productSku, usedAmount, useUnity });
}

async function totalOf(tenant: string): Promise<string | undefined> {
  const response = await call('GET', `/v1/statements/${tenant}`);
  if (!response.ok) return undefined;
  const { totals } = (await response.json()) as { totals: readonly { amount: string }[] };
  return totals[0]?.amount;
}

async function itemsOf(path: string): Promise<readonly unknown[]> {
  const { items } = (await (await call('GET', path)).json()) as { items: readonly unknown[] };
  return items;
}

const atDesk = (
  place: string,
  work: (page: Page) => Promise<void>,
  options?: PhoneOptions,
): Promise<void> =>
  openDesk(
    { server, browser, prepare: scriptLetters, ...(options === undefined ? {} : { options }) },
    place,
    work,
  );

const letterActs: { readonly path: string; readonly body: unknown }[] = [];

/** A sound installation has no dead letters, so that theirs are the only routes that are scripted. */
async function scriptLetters(page: Page): Promise<void> {
  const letter = {
    id: LETTER_ID,
    queue: 'resource-consumption.dlq',
    state: 'PENDING',
    code: 'block_invalid',
    message: 'The checksum is not that of the bytes.',
    tenant: null,
    origin: { logId: 'log', partition: 3, offset: 41, index: null },
    attempts: 2,
    firstFailedAt: '2026-11-20T12:00:00.000Z',
    lastFailedAt: '2026-11-21T12:00:00.000Z',
    retryAt: null,
    resolvedBy: null,
    resolvedAt: null,
    size: 6,
  };
  await page.route(/\/v1\/dead-letters/, async (route) => {
    const { pathname: path } = new URL(route.request().url());
    if (route.request().method() === 'POST') {
      const body: unknown = route.request().postDataJSON();
      letterActs.push({ path, body });
      const results = [{ id: LETTER_ID, result: 'resolved', state: 'REQUEUED' }];
      const isById = typeof body === 'object' && body !== null && 'ids' in body;
      return route.fulfill({ json: isById ? { results } : answerByFilter(body) });
    }
    const isOne = path.endsWith(LETTER_ID);
    const bytes = Buffer.from('APV1\u0000ç').toString('base64');
    return route.fulfill({
      json: isOne ? { ...letter, bytes } : { items: [letter], nextCursor: null },
    });
  });
}

/** All are resolved; of unreadable pulses the first answer has nine that are not, and the second one. */
function answerByFilter(body: unknown) {
  const { filter, cursor } = body as { filter: { code?: string }; cursor?: string };
  if (filter.code !== 'pulse_invalid') {
    return { resolved: 7, failed: [], nextCursor: null, hasMore: false };
  }
  const failure = (i: number) => ({
    id: `${i}`.repeat(64),
    code: i === 1 ? 'dead_letter_state' : 'log_mismatch',
    detail: 'The bytes come from the log old.',
  });
  return cursor === undefined
    ? {
        ...{ resolved: 491, failed: [1, 2, 3, 4, 5, 6, 7, 8, 9].map(failure) },
        ...{ nextCursor: 'place', hasMore: true },
      }
    : { resolved: 2, failed: [failure(0)], nextCursor: null, hasMore: false };
}

const dialog = (page: Page) => page.locator('dialog');
const tile = (page: Page, name: string) => page.locator('.tile', { hasText: name });
const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

describe('the overview', () => {
  test('counts what comes in while it is looked at, and says in words that nothing waits', () =>
    atDesk('', async (page) => {
      await page.getByText(/^Nada a fazer/).waitFor();
      const books = region(page, 'Contas por partição').getByRole('row').nth(1);
      const before = Number((await books.getByRole('cell').nth(2).innerText()).replace('.', ''));
      await pulse('backup', '1');
      await tile(page, 'Pulsos por segundo')
        .getByText(`${before + 1} no total`)
        .waitFor();
      await page.getByText(/Criação: contrato acme-gold/).waitFor();
    }));

  test('greys its figures when the server no longer answers', () =>
    atDesk('', async (page) => {
      await page.getByText(/^Nada a fazer/).waitFor();
      await page.route('**/v1/metering/overview', (route) => route.abort());
      await page.locator('.strip.is-stale').waitFor();
      await page
        .locator('.stale-mark')
        .getByText(/^há \d+ s$/)
        .waitFor();
    }));

  test('is reached from the polls by link and by key, and left again', () =>
    atDesk('', async (page) => {
      await page.keyboard.press('m');
      await page.getByRole('heading', { name: 'Nenhuma votação ainda' }).waitFor();
      await page.getByRole('link', { name: 'Medição', exact: true }).click();
      await page.getByRole('heading', { name: 'Visão geral' }).waitFor();
    }));
});

describe('a tenant', () => {
  test('has usage to the last digit, as bars, table and file, and charges spelt out by tiers', () =>
    atDesk('/tenants', async (page) => {
      await page.getByRole('link', { name: 'acme', exact: true }).click();
      const usage = region(page, 'Consumo');
      await usage.locator('canvas').waitFor();
      await usage.getByText('1.000,5').waitFor();
      await usage.getByRole('button', { name: 'Tabela' }).click();
      const row = usage.getByRole('row', { name: /backup/ });
      expect(await row.innerText()).toContain('0,000000000000000001');

      await usage.getByLabel('Produto').selectOption('storage');
      const [download] = await Promise.all([
        page.waitForEvent('download'),
        usage.getByRole('link', { name: 'Baixar CSV' }).click(),
      ]);
      const file = await Bun.file(await download.path()).text();
      expect(file).toMatch(/,acme,storage,GiB,1000\.5,1,/);
      expect(file).not.toContain('backup');

      const charges = region(page, 'Cobranças');
      const line = charges.locator('.line', { hasText: 'storage' });
      expect((await line.innerText()).replaceAll(/\s+/g, ' ')).toContain(
        'Faixa 1 1.000 × 0,05 50 Faixa 2 0,5 × 0,04 0,02 Cobrado 50,02 BRL',
      );
      await charges.getByText('Em curso: as cobranças seguem o consumo.').waitFor();
      await charges.getByText('sem preço para este produto e unidade').waitFor();
      const statement = charges.getByRole('link', { name: 'Extrato para imprimir' });
      const address = new URL((await statement.getAttribute('href')) ?? '', server.url);
      const printed = await page.request.get(address.href);
      expect(await printed.text()).toContain('50,02');
    }));
});

describe('a contract', () => {
  test('shows at each field what is wrong with it, whoever has found it', () =>
    atDesk('/new-contract', async (page) => {
      const save = page.getByRole('button', { name: 'Conferir e salvar' });
      await save.click();
      await focused(page, 'field-tenant');
      expect(await page.getByText('Preencha este campo.').count()).toBe(6);

      await page.getByLabel('Cliente').fill('globex');
      await page.getByLabel('Moeda').fill('zzz');
      await page.getByLabel('Vale a partir de').fill('2026-01-01T00:00');
      await page.getByLabel('Produto').fill('cpu');
      await page.getByLabel('Unidade', { exact: true }).fill('h');
      await page.getByLabel('Modelo').selectOption('tiered');
      await page.getByRole('button', { name: 'Adicionar faixa' }).click();
      for (const [tier, upTo] of ['10', '10'].entries()) {
        await page.getByLabel(`Até, faixa ${tier + 1}`).fill(upTo);
      }
      for (const tier of [1, 2, 3]) {
        await page.getByLabel(`Preço por unidade, faixa ${tier}`).fill('0,10');
      }
      await save.click();
      await page.getByText('Precisa ser maior que o da faixa anterior.').waitFor();
      await page.getByRole('button', { name: 'Remover a faixa 2' }).click();
      await save.click();
      const currency = page.getByLabel('Moeda');
      await page.getByText(/O servidor não aceitou este valor. Must be a currency/).waitFor();
      expect(await currency.getAttribute('aria-invalid')).toBe('true');
      await currency.fill('bhd');
      await save.click();
      await page.getByText('Salvo como versão 1.').waitFor();
      await page.getByRole('heading', { name: /^Contrato / }).waitFor();
      expect(await itemsOf('/v1/contracts?tenant=globex')).toMatchObject([
        {
          currency: 'BHD',
          validFrom: '2026-01-01T03:00:00.000Z',
          timeZone: 'America/Sao_Paulo',
          prices: [
            {
              tiers: [
                { upTo: '10', unitPrice: '0.1' },
                { upTo: null, unitPrice: '0.1' },
              ],
            },
          ],
        },
      ]);
    }));

  test('estimates under a price that is not saved, shows what it would move, and moves it then only', () =>
    atDesk('/contracts/acme-gold', async (page) => {
      await page.getByLabel('Preço por unidade, faixa 1').fill('0,06');
      const estimate = region(page, 'Estimativa');
      await estimate.getByLabel(/^Quantidade/).fill('1.000');
      await estimate.getByRole('button', { name: 'Calcular' }).click();
      await estimate.getByText(/^Escreva um número sem separador de milhar/).waitFor();
      await estimate.getByLabel(/^Quantidade/).fill('1000,25');
      await estimate.getByRole('button', { name: 'Calcular' }).click();
      await estimate.locator('.line-head').getByText('60,01').waitFor();

      await page.getByRole('button', { name: 'Conferir e salvar' }).click();
      await dialog(page).waitFor();
      // How cells are told apart in a text depends on how they are laid out.
      const text = (await dialog(page).innerText()).replaceAll(/\s+/g, '');
      expect(text).toContain('50,0260,02+10,00BRL');
      await page.keyboard.press('Escape');
      await dialog(page).waitFor({ state: 'detached' });
      expect(await (await call('GET', '/v1/contracts/acme-gold')).json()).toMatchObject({
        version: 1,
      });
      expect(await totalOf('acme')).toBe('50.02');

      await page.getByRole('button', { name: 'Conferir e salvar' }).click();
      await dialog(page).getByRole('button', { name: 'Salvar e recalcular' }).click();
      await page.getByText('Salvo como versão 2.').waitFor();
      await waitUntil('the new charge', async () => (await totalOf('acme')) === '60.02');
      const history = region(page, 'Versões');
      await history.getByText('Versão 2').click();
      await history.getByText(/"unitPrice":"0.06"/).waitFor();
    }));
});

test('a list price prices what had none, after its difference was seen', () =>
  atDesk('/new-price', async (page) => {
    await page.getByLabel('Produto').fill('backup');
    await page.getByLabel('Unidade', { exact: true }).fill('GiB');
    await page.getByLabel('Modelo').selectOption('flat');
    await page.getByLabel('Preço do período').fill('7');
    await page.getByLabel('Moeda').fill('BRL');
    await page.getByLabel('Identificador').fill('backup-flat');
    await page.getByLabel('Vale a partir de').fill('2026-01-01T00:00');
    await page.getByRole('button', { name: 'Conferir e salvar' }).click();
    await dialog(page).waitFor();
    const text = (await dialog(page).innerText()).replaceAll(/\s+/g, '');
    expect(text).toMatch(/acme.*backup.*–7,00\+7,00BRL/);
    await dialog(page).getByRole('button', { name: 'Salvar e recalcular' }).click();
    await page.getByRole('heading', { name: 'Preço de tabela backup-flat' }).waitFor();
    await waitUntil('the backup to be priced', async () => {
      return (await itemsOf('/v1/charges/unpriced?tenant=acme')).length === 0;
    });
  }));

test('an API key is shown once, works, and is revoked for good', () =>
  atDesk('/keys', async (page) => {
    await page.getByRole('button', { name: 'Nova chave' }).click();
    await page.getByLabel('Cliente', { exact: true }).fill('acme');
    await page.getByLabel('Nome').fill('painel');
    await page.getByRole('checkbox', { name: /^Ler/ }).check();
    await page.getByRole('button', { name: 'Criar chave' }).click();
    const secret = await page.locator('.secret code').innerText();
    const usage = async () => {
      const headers = { authorization: `Bearer ${secret}` };
      return (await fetch(new URL('/v1/charges', server.url), { headers })).status;
    };
    expect(await usage()).toBe(200);
    await page.getByRole('button', { name: 'Já guardei' }).click();
    expect(await page.content()).not.toContain(secret);

    await page.getByRole('button', { name: 'Revogar: painel' }).click();
    await dialog(page).getByRole('button', { name: 'Revogar', exact: true }).click();
    await page.getByText('revogada', { exact: true }).waitFor();
    await waitUntil('the key to be refused', async () => (await usage()) === 401);
  }));

describe('dead letters', () => {
  test('are read byte by byte, and requeued only when that is confirmed', () =>
    atDesk('/letters', async (page) => {
      letterActs.length = 0;
      await page.getByRole('link', { name: 'Bloco ilegível' }).click();
      await page.getByText('41 50 56 31 00 c3 a7').waitFor();
      await page.getByRole('radio', { name: 'Texto' }).check();
      await page.getByText('APV1⟨00⟩ç').waitFor();
      await page.getByRole('button', { name: 'Reenviar…' }).click();
      await dialog(page).getByText('Reenviar ao log?').waitFor();
      await page.keyboard.press('Escape');
      await dialog(page).waitFor({ state: 'detached' });
      expect(letterActs).toEqual([]);
      await page.getByRole('button', { name: 'Reenviar…' }).click();
      await dialog(page).getByRole('button', { name: 'Reenviar', exact: true }).click();
      await page.getByText('Reenviadas: 1.').waitFor();
      expect(letterActs).toEqual([
        { path: '/v1/dead-letters/requeue', body: { ids: [LETTER_ID] } },
      ]);
    }));

  test('are discarded together, by the filters that are shown', () =>
    atDesk('/letters', async (page) => {
      letterActs.length = 0;
      await page.getByLabel('Código').fill('block_invalid');
      await page.getByRole('button', { name: 'Descartar todas…' }).click();
      await dialog(page).getByText('Todas as pendentes com estes filtros').waitFor();
      await dialog(page).getByRole('button', { name: 'Descartar', exact: true }).click();
      await page.getByText('Descartadas: 7.').waitFor();
      expect(letterActs).toEqual([
        { path: '/v1/dead-letters/discard', body: { filter: { code: 'block_invalid' } } },
      ]);
    }));

  test('that could not be requeued are told with their reasons, and the rest by their number', () =>
    atDesk('/letters', async (page) => {
      await page.getByLabel('Código').fill('pulse_invalid');
      await page.getByRole('button', { name: 'Reenviar todas…' }).click();
      await dialog(page).getByRole('button', { name: 'Reenviar', exact: true }).click();
      await dialog(page).getByText('Reenviadas: 493. Ficaram como estavam: 10').waitFor();
      const reasons = await dialog(page).getByRole('listitem').allInnerTexts();
      expect(reasons).toHaveLength(8);
      expect(reasons[0]).toBe('11111111 Já foi decidida neste meio-tempo.');
      expect(reasons[1]).toBe('22222222 Os bytes vêm de outro log.');
      await dialog(page).getByText('e mais 2').waitFor();
      expect(await axeViolations(page)).toEqual([]);
      await dialog(page).getByRole('button', { name: 'Fechar' }).click();
      await dialog(page).waitFor({ state: 'detached' });
    }));
});

describe('for everybody', () => {
  const places = [
    ['', '.plot canvas'],
    ['/tenants', 'tbody tr'],
    ['/tenants/acme', '.line'],
    ['/letters', 'tbody tr'],
    [`/letters/${LETTER_ID}`, '.bytes'],
    ['/contracts', 'tbody tr'],
    ['/contracts/acme-gold', '.history li'],
    ['/new-price', '.editor'],
    ['/prices', '.panel'],
    ['/keys', '.panel'],
  ] as const;
  for (const colorScheme of ['light', 'dark'] as const) {
    for (const width of [390, 1280]) {
      test(`axe finds nothing and nothing scrolls sideways, ${colorScheme}, ${width} px`, () =>
        atDesk(
          '',
          async (page) => {
            for (const [place, shown] of places) {
              await goTo(page, place);
              await page.locator(`main ${shown}`).first().waitFor();
              expect([place, await axeViolations(page)]).toEqual([place, []]);
              const beyond = 'document.documentElement.scrollWidth - innerWidth';
              expect([place, await page.evaluate<number>(beyond)]).toEqual([place, 0]);
            }
          },
          { width, height: 900, colorScheme },
        ));
    }
  }

  test('every language says every page', () =>
    atDesk('/contracts', async (page) => {
      await page.getByLabel('Idioma').selectOption('en');
      await page.getByRole('heading', { name: 'Contracts' }).first().waitFor();
      await page.getByLabel('Language').selectOption('es');
      await page.getByRole('link', { name: 'Mensajes con fallo' }).click();
      await page.getByText(/^Lo que no se pudo procesar/).waitFor();
    }));
});
