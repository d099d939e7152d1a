/** Proves in a real browser, on a real server, that operators can keep products and usage thresholds, and see crossings. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import type { Browser, Page } from 'playwright-core';
import { axeViolations, focused, launchBrowser } from '../support/browser.ts';
import { atDesk, callAsOperator, goTo, sendPulse } from '../support/metering-desk.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

setDefaultTimeout(120_000);

let server: RunningServe;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

const at = (place: string, work: (page: Page) => Promise<void>) =>
  atDesk({ server, browser }, place, work);

async function stored(path: string): Promise<unknown> {
  return await (await callAsOperator(server, 'GET', path)).json();
}

const region = (page: Page, name: string) => page.getByRole('region', { name, exact: true });

/** Types whatever the focused field is to hold, and goes on to the next by the keyboard alone. */
async function typeInOrder(page: Page, ...texts: readonly string[]): Promise<void> {
  for (const text of texts) {
    await page.keyboard.type(text);
    await page.keyboard.press('Tab');
  }
}

describe('products', () => {
  test('say what it means that there are none', () =>
    at('/products', async (page) => {
      await page.getByText(/^Ainda não há produtos/).waitFor();
    }));

  test('are made by the keyboard alone, each mistake shown where it is', () =>
    at('/products', async (page) => {
      await page.getByRole('link', { name: 'Novo produto' }).press('Enter');
      await page.getByRole('heading', { name: 'Novo produto' }).waitFor();
      await page.getByRole('button', { name: 'Salvar' }).press('Enter');
      await focused(page, 'field-sku');
      expect(await page.getByText('Preencha este campo.').count()).toBe(2);
      const code = page.getByLabel('Código do produto');
      expect(await code.getAttribute('aria-invalid')).toBe('true');
      await typeInOrder(page, 'disk', 'Discos');
      await page.keyboard.press('Enter');
      await page.getByRole('heading', { name: 'Produto disk' }).waitFor();
      expect(await stored('/v1/products/disk')).toMatchObject({ name: 'Discos', version: 1 });
    }));

  test('keep their code; a code that exists is refused in words of the language', () =>
    at('/products/disk', async (page) => {
      expect(await page.getByLabel('Código do produto').isDisabled()).toBe(true);
      await page.getByLabel('Nome').fill('Armazenamento');
      await page.getByRole('button', { name: 'Salvar' }).click();
      await page.getByText('Salvo como versão 2.').waitFor();
      await region(page, 'Versões').getByText('Versão 2').click();
      await region(page, 'Versões').getByText('Discos', { exact: true }).waitFor();

      await goTo(page, '/new-product');
      await page.getByLabel('Código do produto').fill('disk');
      await page.getByLabel('Nome').fill('Outro');
      await page.getByRole('button', { name: 'Salvar' }).click();
      await page.getByText('Este identificador já existe.').waitFor();
      expect(await stored('/v1/products/disk')).toMatchObject({ name: 'Armazenamento' });
      await page.getByRole('link', { name: 'Todos os produtos' }).click();
      await page.getByRole('row', { name: /disk Armazenamento/ }).waitFor();
    }));

  test('that somebody else changed meanwhile are not written over, and load anew on demand', () =>
    at('/products/disk', async (page) => {
      await page.getByLabel('Nome').fill('Meu nome');
      const other = { sku: 'disk', name: 'De outra pessoa' };
      expect((await callAsOperator(server, 'PUT', '/v1/products/disk', other)).status).toBe(200);
      await page.getByRole('button', { name: 'Salvar' }).click();
      await page.getByText(/^Alguém mudou isto/).waitFor();
      await page.getByRole('button', { name: /^Carregar a versão nova/ }).click();
      await waitUntil('the name of somebody else', async () => {
        return (await page.getByLabel('Nome').inputValue()) === 'De outra pessoa';
      });
      await page.getByLabel('Nome').fill('Meu nome');
      await page.getByRole('button', { name: 'Salvar' }).click();
      await page.getByText('Salvo como versão 4.').waitFor();
    }));
});

describe('usage thresholds', () => {
  test('are made with exact amounts, and refused in words where the amount is none', () =>
    at('/thresholds', async (page) => {
      await page.getByText(/^Ainda não há limites/).waitFor();
      await page.getByText('O consumo ainda não alcançou nenhum limite.').waitFor();
      await page.getByRole('link', { name: 'Novo limite' }).click();
      await page.getByLabel('Cliente').fill('acme');
      await page.getByLabel('Produto').fill('disk');
      await page.getByLabel('Unidade').fill('GiB');
      await page.getByLabel('Identificador').fill('acme-disk');
      const amount = page.getByLabel('Quantidade');
      const save = page.getByRole('button', { name: 'Salvar' });
      await amount.fill('muito');
      await save.click();
      await page.getByText(/^Escreva um número sem separador de milhar/).waitFor();
      await focused(page, 'field-amount');
      await amount.fill('0');
      await save.click();
      await page.getByText('Pequeno demais.').waitFor();
      await amount.fill('100,5');
      await save.click();
      await page.getByRole('heading', { name: 'Limite acme-disk' }).waitFor();
      expect(await stored('/v1/thresholds/acme-disk')).toMatchObject({ amount: '100.5' });
    }));

  test('show when usage reached them, and with how much', () =>
    at('/thresholds', async (page) => {
      const row = region(page, 'Limites de consumo').getByRole('row', { name: /acme-disk/ });
      await row.getByText('não alcançado').waitFor();
      const contract = {
        ...{ id: 'acme', tenant: 'acme', currency: 'EUR', timeZone: 'UTC' },
        validFrom: '2026-01-01T00:00:00Z',
      };
      const made = await callAsOperator(server, 'POST', '/v1/contracts', contract);
      expect(made.status).toBe(201);
      const pulse = { tenant: 'acme', productSku: 'disk', useUnity: 'GiB' };
      await sendPulse(server, { ...pulse, id: 'p-1', usedAmount: '100.5' });
      const crossings = region(page, 'Limites alcançados');
      await waitUntil('the crossing', async () => {
        await crossings.getByRole('button', { name: 'Atualizar' }).click();
        return (await crossings.getByRole('link', { name: 'acme-disk' }).count()) === 1;
      });
      expect(await crossings.getByRole('row').nth(1).innerText()).toContain('100,5 GiB');
      await crossings.getByRole('link', { name: 'acme-disk' }).click();
      await region(page, 'Limites alcançados').getByText('100,5 GiB').first().waitFor();
      await page.getByRole('link', { name: 'Todos os limites' }).click();
      await row.getByText('alcançado', { exact: true }).waitFor();
    }));

  test('stay their tenant’s, change their amount with a version, and are reached anew by that', () =>
    at('/thresholds/acme-disk', async (page) => {
      expect(await page.getByLabel('Cliente').isDisabled()).toBe(true);
      await page.getByLabel('Quantidade').fill('2000');
      await page.getByRole('button', { name: 'Descartar alterações' }).click();
      expect(await page.getByLabel('Quantidade').inputValue()).toBe('100,5');
      await page.getByLabel('Quantidade').fill('2000');
      await page.getByRole('button', { name: 'Salvar' }).click();
      await page.getByText('Salvo como versão 2.').waitFor();
      expect(await stored('/v1/thresholds/acme-disk')).toMatchObject({ amount: '2000' });
      await region(page, 'Limites alcançados').getByText('100,5 GiB').first().waitFor();
      await page.getByRole('link', { name: 'Todos os limites' }).click();
      const row = region(page, 'Limites de consumo').getByRole('row', { name: /acme-disk/ });
      await row.getByText('não alcançado', { exact: true }).waitFor();
    }));

  test('that do not exist say so, with the way back', () =>
    at('/thresholds/nobody', async (page) => {
      await page.getByRole('alert').getByText('Isto não existe no catálogo.').waitFor();
      await page.getByRole('link', { name: 'Todos os limites' }).click();
      await page.getByRole('heading', { name: 'Limites de consumo' }).waitFor();
    }));
});

for (const colorScheme of ['light', 'dark'] as const) {
  for (const width of [390, 1280]) {
    test(`axe finds nothing and nothing scrolls sideways, ${colorScheme}, ${width} px`, () =>
      atDesk(
        { server, browser, options: { width, height: 900, colorScheme } },
        '',
        async (page) => {
          for (const [place, shown] of [
            ['/products', 'tbody tr'],
            ['/products/disk', '.history li'],
            ['/new-product', '.editor'],
            ['/thresholds', 'tbody tr'],
            ['/thresholds/acme-disk', '.history li'],
            ['/new-threshold', '.editor'],
          ] as const) {
            await goTo(page, place);
            await page.locator(`main ${shown}`).first().waitFor();
            expect([place, await axeViolations(page)]).toEqual([place, []]);
            const beyond = 'document.documentElement.scrollWidth - innerWidth';
            expect([place, await page.evaluate<number>(beyond)]).toEqual([place, 0]);
          }
        },
      ));
  }
}

test('both pages are said in every language', () =>
  at('/thresholds', async (page) => {
    await page.getByLabel('Idioma').selectOption('en');
    await page.getByRole('heading', { name: 'Usage thresholds' }).waitFor();
    await page.getByRole('link', { name: 'Products', exact: true }).click();
    await page.getByText(/^What is sold/).waitFor();
    await page.getByLabel('Language').selectOption('es');
    await page.getByRole('link', { name: 'Umbrales de consumo' }).click();
    await page.getByRole('link', { name: 'Nuevo umbral' }).click();
    await page.getByText('Por período de facturación.', { exact: false }).waitFor();
  }));
