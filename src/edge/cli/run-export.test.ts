/** An export under its name is whole; one that broke off never looks like one. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { scriptedServer } from '../../../test/support/scripted-server.ts';
import { runExport } from './run-export.ts';

const CSV = 'id,option\n1,ana\n2,joão\n';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'apura-export-'));
});
afterAll(() => rm(folder, { recursive: true }));

async function run(argv: readonly string[], answer: () => Response = () => new Response(CSV)) {
  await using server = scriptedServer(answer);
  const io = recordingIo();
  const exitCode = await runExport([...argv, '--url', server.url, '--token', 'secret'], io);
  return { exitCode, io, asked: server.asked };
}

describe('an export', () => {
  test('asks for what was typed, as the operator', async () => {
    const { exitCode, io, asked } = await run([
      '--poll',
      'final',
      '--what',
      'hourly',
      '--format',
      'ndjson',
    ]);
    expect(exitCode).toBe(0);
    expect(asked[0]).toMatchObject({
      path: '/v1/polls/final/export?format=ndjson&what=hourly',
      authorization: 'Bearer secret',
    });
    expect(io.out).toBe(CSV);
  });

  test('of the report asks for the report, in its own forms', async () => {
    const out = join(folder, 'report.html');
    const argv = ['--poll', 'final', '--what', 'report', '--format', 'html', '--out', out];
    const { exitCode, io, asked } = await run(argv, () => new Response('<p>\n'));
    expect([exitCode, asked[0]?.path]).toEqual([0, '/v1/polls/final/report?format=html']);
    expect(io.err).toBe(`${out}: 4 B\n`);
  });

  test.each([
    ['report', 'ndjson'],
    ['votes', 'html'],
    ['hourly', 'json'],
  ])('of %s is not written as %s', async (what, format) => {
    const { exitCode, io, asked } = await run(['--what', what, '--format', format]);
    expect([exitCode, asked]).toEqual([2, []]);
    expect(io.err).toContain(`--what ${what} can not be written as ${format}`);
  });

  test('goes to a file byte for byte, and says how much it is', async () => {
    const out = join(folder, 'whole.csv');
    const { exitCode, io } = await run(['--out', out]);
    expect(exitCode).toBe(0);
    expect(await readFile(out, 'utf8')).toBe(CSV);
    expect(existsSync(`${out}.partial`)).toBe(false);
    expect(io.err).toBe(`${out}: 2 rows, 24 B\n`);
  });

  test('of many chunks arrives whole', async () => {
    const out = join(folder, 'large.ndjson');
    const line = `${JSON.stringify({ id: 'x'.repeat(60), option: 'joão' })}\n`;
    const { exitCode, io } = await run(['--out', out, '--format', 'ndjson'], () => {
      let left = 500;
      const stream = new ReadableStream({
        pull(controller) {
          if (left === 0) return controller.close();
          left -= 1;
          controller.enqueue(new TextEncoder().encode(line.repeat(100)));
        },
      });
      return new Response(stream);
    });
    expect(exitCode).toBe(0);
    expect(await readFile(out, 'utf8')).toBe(line.repeat(50_000));
    expect(io.err).toContain('50,000 rows');
  });

  test('does not write over a file unless told to', async () => {
    const out = join(folder, 'kept.csv');
    await writeFile(out, 'precious');
    const refused = await run(['--out', out]);
    expect(refused.exitCode).toBe(2);
    expect(refused.io.err).toContain('is there already; --force writes over it');
    expect(refused.asked).toEqual([]);
    expect(await readFile(out, 'utf8')).toBe('precious');
    expect((await run(['--out', out, '--force'])).exitCode).toBe(0);
    expect(await readFile(out, 'utf8')).toBe(CSV);
  });

  test('of nothing is an empty file, not an absent one', async () => {
    const out = join(folder, 'empty.ndjson');
    const { exitCode } = await run(['--out', out], () => new Response(''));
    expect([exitCode, await readFile(out, 'utf8')]).toEqual([0, '']);
  });

  test('into a folder that is not there is refused', async () => {
    const { exitCode, io, asked } = await run(['--out', join(folder, 'none', 'a.csv')]);
    expect([exitCode, asked]).toEqual([2, []]);
    expect(io.err).toContain('can not be written');
  });

  test('of an unknown poll leaves no file', async () => {
    const out = join(folder, 'unknown.csv');
    const { exitCode, io } = await run(['--out', out], () =>
      Response.json({ code: 'poll_not_found', detail: 'No such poll.' }, { status: 404 }),
    );
    expect(exitCode).toBe(1);
    expect(io.err).toContain('poll_not_found: No such poll.');
    expect([existsSync(out), existsSync(`${out}.partial`)]).toEqual([false, false]);
  });

  test('that breaks off is an error and does not get its name', async () => {
    const out = join(folder, 'broken.csv');
    await using server = await breakingServer();
    const io = recordingIo();
    expect(await runExport(['--out', out, '--url', server.url, '--token', 'x'], io)).toBe(1);
    expect(io.err).toContain('server_unreachable: The server broke off');
    expect(existsSync(out)).toBe(false);
    expect(await readFile(`${out}.partial`, 'utf8')).toBe('id,option\n');
  });
});

/** Sends half of a chunked answer and cuts the connection. */
async function breakingServer() {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    socket.once('data', () => {
      const head =
        'HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nTransfer-Encoding: chunked\r\n\r\n';
      socket.write(`${head}a\r\nid,option\n\r\n`, () => setTimeout(() => socket.destroy(), 20));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    [Symbol.asyncDispose]: async () => void server.close(),
  };
}
