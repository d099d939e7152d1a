/** Makes the pictures of the README: a real server under a real load, seen by a real browser. */
import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { launchBrowser } from './support/browser.ts';
import { startServe } from './support/serve.ts';

const FOLDER = fileURLToPath(new URL('../docs/images/', import.meta.url));
const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const VOTES_PER_SECOND = 3_000;
const LOAD_SECONDS = 75;
/** Long enough for the curves to have a shape. */
const CURVES_MS = 60_000;

mkdirSync(FOLDER, { recursive: true });
const server = await startServe({ demo: true });
const load = Bun.spawn(
  [
    process.execPath,
    MAIN,
    'load',
    ...['--url', server.url, '--poll', 'demo', '--token', server.token],
    ...['--rate', String(VOTES_PER_SECOND), '--duration', `${LOAD_SECONDS}s`],
  ],
  { stdout: 'ignore', stderr: 'ignore' },
);
const browser = await launchBrowser();
try {
  const context = await browser.newContext({
    locale: 'pt-BR',
    timezoneId: 'America/Sao_Paulo',
    viewport: { width: 390, height: 800 },
  });
  const page = await context.newPage();
  await page.goto(server.url);
  await page.locator('#options').getByText('Marina Sol').click();
  await page.screenshot({ path: `${FOLDER}vote-page.png` });
  await page.getByRole('button', { name: /^Votar em/ }).click();
  await page.locator('#outcome-title').waitFor();
  await page.screenshot({ path: `${FOLDER}vote-registered.png` });

  await page.setViewportSize({ width: 1440, height: 900 });
  await page.goto(`${server.url}/console`);
  await page.locator('input').first().fill(server.token);
  await page.keyboard.press('Enter');
  await Bun.sleep(CURVES_MS);
  await page.screenshot({ path: `${FOLDER}console.png` });
} finally {
  await browser.close();
  load.kill();
  await load.exited;
  await server.stop();
}
