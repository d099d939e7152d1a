/** Proves in a real browser, on a real server, that operators can run a poll from the console and trust it. */
import { afterAll, beforeAll, describe, expect, setDefaultTimeout, test } from 'bun:test';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { ApiClient, voteKey } from '../support/api-client.ts';
import {
  axeViolations,
  drawn,
  launchBrowser,
  openPhone,
  type Phone,
  type PhoneOptions,
} from '../support/browser.ts';
import { type RunningServe, startServe } from '../support/serve.ts';
import { waitUntil } from '../support/wait-until.ts';

setDefaultTimeout(120_000);

const DESK: PhoneOptions = { width: 1440, height: 900 };

let server: RunningServe;
let browser: Browser;
let made = 0;
const api = new ApiClient(() => server);

beforeAll(async () => {
  [server, browser] = await Promise.all([startServe(), launchBrowser()]);
});

afterAll(async () => {
  await browser.close();
  await server.stop();
});

/** Runs a test at an operator's screen, and expects a page without faults in the end. */
async function atDesk(
  work: (desk: Phone) => Promise<void>,
  options: PhoneOptions = DESK,
): Promise<void> {
  const desk = await openPhone(browser, options);
  try {
    await work(desk);
    expect(desk.faults).toEqual([]);
  } finally {
    await desk.context.close();
  }
}

/** Opens the console at a place and signs in. */
async function signIn(page: Page, place = '', on: RunningServe = server): Promise<void> {
  await page.goto(new URL(`/console${place}`, on.url).href);
  await page.getByLabel('Token do operador').fill(on.token);
  await page.getByRole('button', { name: 'Entrar' }).click();
  await page.getByText('Ao vivo', { exact: true }).waitFor();
}

/** An open poll of its own for a test. */
function openPoll(fields: Readonly<Record<string, unknown>> = {}): Promise<string> {
  made += 1;
  return api.openPoll(`console-${made}`, fields);
}

const placeOf = (poll: string) => `#/polls/${poll}`;
const tile = (page: Page, name: string) =>
  page.locator('.tile', { hasText: name }).locator('.tile-value');
const counted = (page: Page) => tile(page, 'Votos apurados').innerText();
const state = (page: Page) => page.locator('.tile-state .state');
/** By its element: a dialog that is closed has lost its role before the page knows of it. */
const dialog = (page: Page) => page.locator('dialog');

/** Resolves in the very moment in which the page shows the count: it watches, it does not ask. */
async function countBecomes(page: Page, text: string): Promise<void> {
  await page.evaluate(`new Promise((resolve, reject) => {
    const look = () => {
      const tile = [...document.querySelectorAll('.tile')]
        .find(({ textContent }) => textContent.includes('Votos apurados'));
      if (tile?.querySelector('.tile-value').textContent === ${JSON.stringify(text)}) resolve();
    };
    new MutationObserver(look).observe(document, {
      childList: true, characterData: true, subtree: true,
    });
    setTimeout(() => reject(new Error('the count is not ${text}')), 60_000);
    look();
  })`);
}

/** Presses an act, and confirms it in the dialog. */
async function act(page: Page, name: string, word = ''): Promise<void> {
  await page.getByRole('button', { name: `${name}…` }).click();
  if (word !== '') await dialog(page).getByRole('textbox').fill(word);
  await dialog(page).getByRole('button', { name, exact: true }).click();
  await dialog(page).waitFor({ state: 'detached' });
}

async function dismiss(page: Page): Promise<void> {
  await page.keyboard.press('Escape');
  await dialog(page).waitFor({ state: 'detached' });
}

describe('the door', () => {
  test('refuses a wrong token, and keeps a right one signed in until the operator leaves', () =>
    atDesk(async ({ page }) => {
      await page.goto(new URL('/console', server.url).href);
      await page.getByLabel('Token do operador').fill('not-the-token');
      await page.getByRole('button', { name: 'Entrar' }).click();
      await page.getByText('Este token não confere').waitFor();
      expect(await page.locator('.strip').count()).toBe(0);

      await signIn(page);
      await page.reload();
      await page.getByText('Ao vivo', { exact: true }).waitFor();
      await page.getByRole('button', { name: 'Sair' }).click();
      await page.getByRole('heading', { name: 'Entrar no console' }).waitFor();
      await page.reload();
      await page.getByRole('heading', { name: 'Entrar no console' }).waitFor();
    }));

  test('speaks the language that is asked for', () =>
    atDesk(async ({ page }) => {
      await page.goto(new URL('/console?lang=es', server.url).href);
      await page.getByRole('heading', { name: 'Entrar en la consola' }).waitFor();
      expect(await page.locator('html').getAttribute('lang')).toBe('es');
    }));
});

describe('a new poll', () => {
  test('starts from the sample, is opened, and its votes move the count within 500 ms', async () => {
    const fresh = await startServe();
    const voters = new ApiClient(() => fresh);
    try {
      await atDesk(async ({ page }) => {
        await signIn(page, '', fresh);
        await page.getByRole('link', { name: 'Começar com um exemplo' }).click();
        await page.getByLabel('Título').fill('Quem vence a final?');
        await page.getByRole('button', { name: 'Criar rascunho' }).click();
        await page.getByRole('heading', { name: 'Editar rascunho' }).waitFor();
        await state(page).getByText('Rascunho').waitFor();
        await act(page, 'Abrir');
        await page.getByRole('heading', { name: 'Quem vence a final?' }).waitFor();
        await state(page).getByText('Aberta').waitFor();

        const poll = new URL(page.url()).hash.replace('#/polls/', '');
        await countBecomes(page, '0');
        const delaysMs: number[] = [];
        const inTime = () => delaysMs.filter((delayMs) => delayMs <= 500).length;
        // A busy machine's pauses say nothing about the console, which is slow if it is so every time.
        for (let votes = 1; votes <= 30 && inTime() < 3; votes += 1) {
          const sentAt = performance.now();
          const seen = countBecomes(page, String(votes));
          const [vote] = await Promise.all([voters.voteUntilAnswered(poll, 'bruno'), seen]);
          expect(vote.status).toBe(202);
          delaysMs.push(performance.now() - sentAt);
        }
        expect(inTime(), `delays of ${delaysMs.map(Math.round)} ms`).toBe(3);
        const row = page.getByRole('row', { name: /Bruno/ });
        expect(await row.innerText()).toContain('100,00%');
        await page.locator('.plot canvas').first().waitFor();
      });
    } finally {
      await fresh.stop();
    }
  });

  test('says what is missing, takes a picture, and is edited until it opens', () =>
    atDesk(async ({ page }) => {
      await signIn(page, '#/new');
      const create = page.getByRole('button', { name: 'Criar rascunho' });
      await create.click();
      await page.locator('[name=title]:focus').waitFor();
      expect(await page.getByText('Preencha este campo.').count()).toBe(3);

      await page.getByLabel('Título').fill('Qual a melhor dupla?');
      await page.getByLabel('Nome da opção 1', { exact: true }).fill('Duda e Gui');
      await page.getByLabel('Nome da opção 2', { exact: true }).fill('Bia e Tom');
      await page.getByLabel('Encerra', { exact: true }).fill('2001-01-01T20:00');
      await create.click();
      await page.getByText('Este horário já passou.').waitFor();
      await page.getByLabel('Encerra', { exact: true }).fill('2099-11-21T20:00');
      await page.getByLabel('Escolher foto de Bia e Tom').setInputFiles({
        name: 'foto.png',
        mimeType: 'image/png',
        buffer: await picture(page),
      });
      await create.click();
      await page.getByRole('heading', { name: 'Editar rascunho' }).waitFor();

      const id = new URL(page.url()).hash.replace('#/polls/', '');
      const poll = await api.poll(id);
      expect(poll.closesAt).toBe('2099-11-21T23:00:00.000Z');
      expect(poll.options).toMatchObject([
        { name: 'Duda e Gui', imageUrl: null },
        { name: 'Bia e Tom', imageUrl: expect.stringMatching(/^\/v1\/images\/[0-9a-f]{64}$/) },
      ]);
      await page.locator('.editor img').waitFor();

      await page.getByRole('button', { name: 'Subir Bia e Tom' }).click();
      await page.getByLabel('Título').fill('Qual foi a melhor dupla?');
      await page.getByRole('button', { name: 'Salvar rascunho' }).click();
      await page.getByText('Rascunho salvo.').waitFor();
      expect(await api.poll(id)).toMatchObject({
        title: 'Qual foi a melhor dupla?',
        options: [{ name: 'Bia e Tom' }, { name: 'Duda e Gui' }],
      });
    }));
});

describe('an open poll', () => {
  test('is paused and resumed, and says who did it', async () => {
    const poll = await openPoll();
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      await act(page, 'Pausar');
      await state(page).getByText('Pausada').waitFor();
      expect((await api.voteUntilAnswered(poll, 'a')).status).toBe(409);
      await act(page, 'Retomar');
      await state(page).getByText('Aberta').waitFor();
      expect((await api.voteUntilAnswered(poll, 'a')).status).toBe(202);
      await page.getByText(/^Pausada por .+ \d\d:\d\d:\d\d$/).waitFor();
      const acts = page.getByRole('region', { name: 'Últimos atos' });
      await waitUntil('all acts are listed, last first', async () =>
        /Retomada[\s\S]+Pausada[\s\S]+Aberta[\s\S]+Criada/.test(await acts.innerText()),
      );
    });
  });

  test('closes only when the word is typed, and its result is then final', async () => {
    const poll = await openPoll();
    await api.votes(poll, 'a', 3);
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      await countBecomes(page, '3');
      await page.getByRole('button', { name: 'Encerrar…' }).click();
      const confirm = dialog(page).getByRole('button', { name: 'Encerrar', exact: true });
      await dialog(page).getByRole('textbox').fill('encerra');
      expect(await confirm.isDisabled()).toBe(true);
      await page.keyboard.press('Enter');
      expect(await api.stateOf(poll)).toBe('open');
      await dismiss(page);

      await act(page, 'Encerrar', 'encerrar');
      await state(page).getByText('Encerrada').waitFor();
      expect(await counted(page)).toBe('3');
      expect((await api.voteUntilAnswered(poll, 'a')).status).toBe(409);
      await act(page, 'Publicar', 'PUBLICAR');
      await state(page).getByText('Publicada').waitFor();
    });
  });

  test('shows at once what another operator does', async () => {
    const poll = await openPoll();
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      await api.act(poll, 'pause');
      await state(page).getByText('Pausada').waitFor();
      await page.getByRole('button', { name: 'Retomar…' }).waitFor();
    });
  });

  test('takes a later close and another audience, and no earlier close', async () => {
    const closesAt = new Date(Date.now() + 3 * 3_600_000).toISOString();
    const poll = await openPoll({ closesAt });
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      const settings = page.getByRole('region', { name: 'Ajustes ao vivo' });
      const save = settings.getByRole('button', { name: 'Salvar' });
      await settings.getByLabel('Encerra em').fill('2001-01-01T20:00');
      await save.click();
      await settings.getByText('O prazo só pode ser adiado').waitFor();
      await settings.getByLabel('Encerra em').fill('2099-11-21T20:00');
      await settings.getByLabel('Quem vê o resultado').selectOption('always');
      await save.click();
      await page.getByText('Ajustes salvos.').waitFor();
      expect(await api.poll(poll)).toMatchObject({
        closesAt: '2099-11-21T23:00:00.000Z',
        resultsVisibility: 'always',
      });
    });
  });

  test('gives its data away as files, during the poll', async () => {
    const poll = await openPoll();
    await api.votes(poll, 'b', 2);
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      await countBecomes(page, '2');
      await api.drained();
      const fileOf = async (link: string) => {
        const [download] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('link', { name: link }).click(),
        ]);
        return Bun.file(await download.path()).text();
      };
      const lines = (await fileOf('Votos, um a um, NDJSON')).trim().split('\n');
      expect(lines.map((line) => JSON.parse(line).option)).toEqual(['b', 'b']);
      expect(await fileOf('Resultado, CSV')).toMatch(/Bia.*2/);

      const [curve] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('button', { name: 'Baixar CSV: Votos por segundo' }).click(),
      ]);
      expect(await Bun.file(await curve.path()).text()).toContain('from,seconds,Ana,Bia');
    });
  });

  test('is read as a table by those who do not see curves, and steered by keyboard', async () => {
    const poll = await openPoll();
    await atDesk(async ({ page }) => {
      await signIn(page, placeOf(poll));
      await api.votes(poll, 'a', 2);
      await countBecomes(page, '2');
      await page.keyboard.press('d');
      const table = page.getByRole('region', { name: 'Votos por segundo' }).getByRole('table');
      await table.getByRole('columnheader', { name: 'Ana' }).waitFor();
      await page.keyboard.press('?');
      await dialog(page).getByText('Atalhos do teclado').waitFor();
      await dismiss(page);
      await page.keyboard.press('p');
      await dialog(page).getByText('Pausar esta votação?').waitFor();
      await dismiss(page);
      await page.keyboard.press('w');
      await page.locator('.wall').getByText('100,00%').waitFor();
      await drawn(page);
      await page.keyboard.press('Escape');
      await page.locator('.strip').waitFor();
    });
  });
});

describe('a lost connection', () => {
  test('is a banner with stale numbers, and is made good by itself', async () => {
    const dataDir = mkdtempSync(join(tmpdir(), 'apura-console-'));
    let mortal = await startServe({ dataDir });
    const voters = new ApiClient(() => mortal);
    try {
      const poll = await voters.openPoll('mortal');
      await voters.votes(poll, 'a', 2);
      await atDesk(async ({ page }) => {
        await signIn(page, placeOf(poll), mortal);
        await countBecomes(page, '2');
        await mortal.kill('SIGKILL');
        await page.getByText('Sem conexão com o servidor.').waitFor();
        await page.locator('.strip.is-stale').waitFor();
        expect(await axeViolations(page)).toEqual([]);

        mortal = await startServe({ dataDir, port: mortal.port });
        await voters.votes(poll, 'a', 1);
        // Sessions live in the process: with a new one the console asks for the token again.
        await page.getByLabel('Token do operador').fill(mortal.token);
        await page.getByRole('button', { name: 'Entrar' }).click();
        await countBecomes(page, '3');
        await page.getByText('Sem conexão com o servidor.').waitFor({ state: 'detached' });
      });
    } finally {
      await mortal.stop();
      rmSync(dataDir, { recursive: true, force: true });
    }
  });

  test('shows when the server only stalls, and what was missed is there afterwards', async () => {
    const stalled = await startServe();
    const voters = new ApiClient(() => stalled);
    try {
      const poll = await voters.openPoll('stalled');
      await atDesk(async ({ page }) => {
        await signIn(page, placeOf(poll), stalled);
        await stalled.kill('SIGSTOP');
        await page.getByText('Sem conexão com o servidor.').waitFor();
        await stalled.kill('SIGCONT');
        for (const key of Array.from({ length: 4 }, () => voteKey())) {
          // What has just woken up may ask for a moment.
          expect((await voters.voteUntilAnswered(poll, 'b', key)).status).toBe(202);
        }
        await page.getByText('Ao vivo', { exact: true }).waitFor();
        await countBecomes(page, '4');
        await page.getByText('Sem conexão com o servidor.').waitFor({ state: 'detached' });
      });
    } finally {
      await stalled.stop();
    }
  });
});

describe('for everybody', () => {
  for (const colorScheme of ['light', 'dark'] as const) {
    test(`axe finds nothing on any screen, ${colorScheme}`, async () => {
      const poll = await openPoll();
      await api.votes(poll, 'a', 2);
      await atDesk(
        async ({ page }) => {
          await page.goto(new URL('/console', server.url).href);
          await page.getByRole('heading', { name: 'Entrar no console' }).waitFor();
          expect(await axeViolations(page)).toEqual([]);
          await signIn(page, placeOf(poll));
          await countBecomes(page, '2');
          expect(await axeViolations(page)).toEqual([]);
          await page.keyboard.press('d');
          expect(await axeViolations(page)).toEqual([]);
          await page.keyboard.press('?');
          await dialog(page).waitFor();
          expect(await axeViolations(page)).toEqual([]);
          await dismiss(page);
          await page.getByRole('button', { name: 'Encerrar…' }).click();
          await dialog(page).waitFor();
          expect(await axeViolations(page)).toEqual([]);
          await dismiss(page);
          await page.keyboard.press('n');
          await page.getByRole('button', { name: 'Criar rascunho' }).click();
          await page.getByText('Preencha este campo.').first().waitFor();
          expect(await axeViolations(page)).toEqual([]);
          await page.goto(new URL(`/console#/wall/${poll}`, server.url).href);
          await page.locator('.wall').waitFor();
          expect(await axeViolations(page)).toEqual([]);
        },
        { ...DESK, colorScheme },
      );
    });
  }

  for (const width of [320, 390, 1280]) {
    test(`strip, acts and table fit ${width} px without a sideways scroll`, async () => {
      const poll = await openPoll({ title: 'Quem você quer eliminar no paredão desta semana?' });
      await atDesk(
        async ({ page }) => {
          await signIn(page, placeOf(poll));
          await page.getByRole('button', { name: 'Pausar…' }).waitFor();
          await page.getByRole('row', { name: /Ana/ }).waitFor();
          expect(
            await page.evaluate<number>('document.documentElement.scrollWidth - innerWidth'),
          ).toBeLessThanOrEqual(0);
          expect(await axeViolations(page)).toEqual([]);
        },
        { width, height: 800 },
      );
    });
  }
});

/** A PNG as a camera or a designer would send it, drawn by the browser itself. */
async function picture(page: Page): Promise<Buffer> {
  const dataUrl = await page.evaluate<string>(`(() => {
    const canvas = document.createElement('canvas');
    canvas.width = canvas.height = 64;
    canvas.getContext('2d').fillRect(8, 8, 48, 48);
    return canvas.toDataURL('image/png');
  })()`);
  return Buffer.from(dataUrl.split(',')[1] ?? '', 'base64');
}
