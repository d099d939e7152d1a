import { expect, test } from 'bun:test';
import { fileURLToPath } from 'node:url';
import { createLogger } from './logger.ts';

const LOGGER = fileURLToPath(new URL('./logger.ts', import.meta.url));

/** What a process with a logger writes to standard error and standard output. */
async function written(code: string): Promise<{ lines: Record<string, unknown>[]; out: string }> {
  const script = `const { createLogger } = await import(${JSON.stringify(LOGGER)}); ${code}`;
  const child = Bun.spawn([process.execPath, '-e', script], { stdout: 'pipe', stderr: 'pipe' });
  const [out, err] = await Promise.all([
    new Response(child.stdout).text(),
    new Response(child.stderr).text(),
  ]);
  await child.exited;
  const lines = err.split('\n').filter((line) => line !== '');
  return { lines: lines.map((line) => JSON.parse(line)), out };
}

test('a level turns off all that is below it, or everything', () => {
  const [warning, silent] = [createLogger('warn', 'serve'), createLogger('silent', 'serve')];
  expect(['info', 'warn'].map((level) => warning.isLevelEnabled(level))).toEqual([false, true]);
  expect(['info', 'fatal'].map((level) => silent.isLevelEnabled(level))).toEqual([false, false]);
});

test('a line is JSON on standard error, with time, level, process and words; lower levels are silent', async () => {
  const { lines, out } = await written(`
    const log = createLogger('info', 'serve');
    log.debug('too quiet');
    log.info({ poll: 'final' }, 'opened');
  `);
  expect(out).toBe('');
  expect(lines).toHaveLength(1);
  expect(lines[0]).toMatchObject({ level: 30, process: 'serve', poll: 'final', msg: 'opened' });
  expect(lines[0]?.['time']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
  expect(lines[0]).not.toHaveProperty('hostname');
});

test('a secret never stands in a line', async () => {
  const { lines } = await written(`
    const secret = 'hunter2';
    const log = createLogger('info', 'serve');
    log.info({ token: secret, authorization: secret, cookie: secret, poll: 'final' });
    log.info({ request: { token: secret } });
  `);
  expect(lines).toHaveLength(2);
  expect(JSON.stringify(lines)).not.toContain('hunter2');
  expect(lines[0]).toMatchObject({ token: '…', poll: 'final' });
});

test('what was logged last is there after a kill', async () => {
  const { lines } = await written(`
    createLogger('info', 'serve').fatal('last words');
    process.kill(process.pid, 'SIGKILL');
  `);
  expect(lines).toMatchObject([{ level: 60, msg: 'last words' }]);
});
