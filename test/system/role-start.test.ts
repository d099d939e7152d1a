/** How roles apart start: not at all on wrong settings, late where servers are late, and several on one port. */
import { afterAll, beforeAll, describe, expect, test } from 'bun:test';
import { connect, createServer, type Socket } from 'node:net';
import type { Role } from '../../src/compose/role-names.ts';
import { ApiClient } from '../support/api-client.ts';
import { freePort } from '../support/free-port.ts';
import { type InstallationApart, startApart } from '../support/installation-apart.ts';
import { launchRole } from '../support/launched-role.ts';
import { waitUntil } from '../support/wait-until.ts';

const PASSWORD = 'the-word-that-no-log-may-hold';
const WRONG = 'a-wrong-word-that-no-log-may-hold';
const START_MS = 600_000;
const INVALID_CONFIG_EXIT = 1;

let apura: InstallationApart;
beforeAll(async () => {
  apura = await startApart({
    log: 'rabbitmq',
    roles: { query: 1, ingest: 0, tally: 0, ledger: 0, sync: 0 },
    user: { username: 'vera', password: PASSWORD },
  });
  await apura.client.openPoll('final');
}, START_MS);
afterAll(() => apura[Symbol.asyncDispose]());

/** The installation's own setting, with the address of the server changed. */
function setting(name: 'APURA_LOG' | 'APURA_TALLY' | 'APURA_LEDGER', from: RegExp, to: string) {
  return { [name]: `${apura.env[name]}`.replace(from, to) };
}

/** A port that leads to a server, once it is opened. */
class LateServer implements AsyncDisposable {
  readonly port: number;
  readonly #target: number;
  readonly #sockets = new Set<Socket>();
  readonly #server = createServer((client) => {
    const upstream = connect(this.#target, '127.0.0.1');
    for (const socket of [client, upstream]) {
      this.#sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        client.destroy();
        upstream.destroy();
      });
    }
    client.pipe(upstream).pipe(client);
  });

  constructor(port: number, target: string) {
    this.port = port;
    this.#target = Number(new URL(target).port);
  }

  async open(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.listen(this.port, '127.0.0.1', resolve);
    await promise;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#server.close(() => resolve());
    for (const socket of this.#sockets) socket.destroy();
    await promise;
  }
}

describe('a role', () => {
  const word = `vera:${WRONG}`;
  test.each<readonly [string, Role, () => Readonly<Record<string, string>>]>([
    ['APURA_LOG is "ftp://…@', 'ingest', () => ({ APURA_LOG: `ftp://${word}@h/x` })],
    ['APURA_LOG is sqlite', 'tally', () => ({ APURA_LOG: 'sqlite' })],
    ['APURA_TALLY is "…@h"', 'tally', () => ({ APURA_TALLY: `${word}@h` })],
    ['APURA_LEDGER is "mysql', 'ledger', () => ({ APURA_LEDGER: `mysql://${word}@h/x` })],
    ['APURA_SECRET is not', 'query', () => ({ APURA_SECRET: WRONG })],
    ['APURA_SECRET is missing', 'ingest', () => ({ APURA_SECRET: '' })],
    ['APURA_ADMIN_TOKEN is missing', 'query', () => ({ APURA_ADMIN_TOKEN: '' })],
    ['Kafka', 'ledger', () => ({ APURA_LOG: `kafka://${word}@127.0.0.1:1/?sasl=plain` })],
    ['RabbitMQ', 'sync', () => ({ APURA_LOG: `amqp://${word}:x@127.0.0.1` })],
    ['Redis', 'tally', () => ({ APURA_TALLY: `redis://${word}@127.0.0.1/none` })],
    ['Postgres', 'query', () => ({ APURA_LEDGER: `postgres://${word}@127.0.0.1:54:32/x` })],
    ['APURA_PARTITIONS is 5, but', 'ingest', () => ({ APURA_PARTITIONS: '5' })],
    ['APURA_PARTITIONS is 5, but', 'ledger', () => ({ APURA_PARTITIONS: '5' })],
  ])('ends with invalid_config: %s … (%s)', async (words, role, wrong) => {
    await using started = launchRole(role, { ...apura.env, ...wrong() });
    expect(await started.exited).toBe(INVALID_CONFIG_EXIT);
    expect(started.printed).toStartWith('invalid_config: ');
    expect(started.printed).toContain(words);
    expectNoSecret(started.printed);
  });

  test.each<readonly [string, Role, () => Readonly<Record<string, string>>, RegExp]>([
    ['log', 'ingest', () => setting('APURA_LOG', /:[^:]*@/, `:${WRONG}@`), /ACCESS_REFUSED/],
    ['tally', 'tally', () => setting('APURA_TALLY', /:[^:]*@/, `:${WRONG}@`), /WRONGPASS/],
    ['catalogue', 'sync', () => setting('APURA_LEDGER', /\/apura:/, '/nobody:'), /"nobody/],
    [
      'catalogue',
      'query',
      () => setting('APURA_LEDGER', /@.*/, '@none.invalid/x'),
      /none\.invalid/,
    ],
  ])(
    'that is refused by its servers waits, and says which and why: %s of %s',
    async (what, role, wrong, why) => {
      await using started = launchRole(role, { ...apura.env, ...wrong() });
      await started.says(new RegExp(`"what":"${what}".*not there yet`));
      await started.says(why);
      expect(started.printed).not.toContain('is ready');
      expectNoSecret(started.printed);
    },
  );

  test('that starts before its servers waits for each, and is then ready', async () => {
    await using catalogue = new LateServer(await freePort(), apura.postgres.url);
    await using log = new LateServer(await freePort(), `${apura.rabbitmq?.url}`);
    await using tally = new LateServer(await freePort(), apura.redis.url);
    await using door = launchRole('ingest', {
      ...apura.env,
      ...setting('APURA_LEDGER', /:\d+\//, `:${catalogue.port}/`),
      ...setting('APURA_LOG', /:\d+$/, `:${log.port}`),
      ...setting('APURA_TALLY', /:\d+\//, `:${tally.port}/`),
    });
    for (const [what, server] of [
      ['catalogue', catalogue],
      ['log', log],
      ['reports', tally],
    ] as const) {
      await door.says(new RegExp(`"what":"${what}".*not there yet`));
      await server.open();
    }
    const url = await door.ready();
    const client = new ApiClient(() => ({ url, token: apura.token }));
    expect((await client.voteUntilAnswered('final', 'a')).status).toBe(202);
    expectNoSecret(door.printed);
  });

  test('shares its port with others of its kind if it is told to, and all of them get votes', async () => {
    const port = String(await freePort());
    const adminPorts = [String(await freePort()), String(await freePort())];
    const shared = { ...apura.env, APURA_HTTP_PORT: port, APURA_SHARE_PORT: '1' };
    await using started = new AsyncDisposableStack();
    const doors = adminPorts.map((APURA_ADMIN_PORT) =>
      started.use(launchRole('ingest', { ...shared, APURA_ADMIN_PORT })),
    );
    const [url = ''] = await Promise.all(doors.map((door) => door.ready()));
    const client = new ApiClient(() => ({ url, token: apura.token }));
    const accepted = (): Promise<number[]> =>
      Promise.all(
        adminPorts.map((adminPort) =>
          new ApiClient(() => ({
            url: `http://127.0.0.1:${adminPort}`,
            token: apura.token,
          })).metric('apura_votes_accepted_total'),
        ),
      );
    let sent = 0;
    // The kernel deals out connections, and every vote here comes on one of its own.
    await waitUntil('both doors have taken votes', async () => {
      expect((await client.voteUntilAnswered('final', 'b')).status).toBe(202);
      sent += 1;
      return (await accepted()).every((votes) => votes > 0);
    });
    expect((await accepted()).reduce((sum, votes) => sum + votes, 0)).toBe(sent);

    await using alone = launchRole('ingest', { ...apura.env, APURA_HTTP_PORT: port });
    expect(await alone.exited).toBe(INVALID_CONFIG_EXIT);
    expect(alone.printed).toContain('port_in_use');
  });
});

function expectNoSecret(printed: string): void {
  const secrets = { PASSWORD, WRONG, token: apura.token, secret: `${apura.env.APURA_SECRET}` };
  for (const [name, secret] of Object.entries(secrets)) {
    expect([name, printed.includes(secret)]).toEqual([name, false]);
  }
}
