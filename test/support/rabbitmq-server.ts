/** A RabbitMQ node of the tests' own: its own folder, ports and name, to be killed and started again. */
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect } from 'amqplib';
import { freePort } from './free-port.ts';
import { endInOrder, type KeptPlace } from './kept-place.ts';
import { waitUntil } from './wait-until.ts';

/** Whom the node knows, in place of its guest. */
export interface RabbitmqUser {
  readonly username: string;
  readonly password: string;
}

export interface RabbitmqServer extends AsyncDisposable {
  readonly url: string;
  /** Ends it as kill -9 does. */
  kill(): Promise<void>;
  /** Starts it again on the same folder and port. */
  start(): Promise<void>;
  /** Raises the memory alarm, as a node without memory does, or takes it back. */
  alarm(on: boolean): Promise<void>;
}

const START_TIMEOUT_MS = 90_000;
const DEBIAN = '/usr/lib/rabbitmq/bin';
/** Memory that no node has left, and what Debian's node starts with. */
const WATERMARK = { none: '0.00001', usual: '0.6' };

/**
 * A new and passing node, or the one at a place that is kept.
 *
 * @throws when there is no RabbitMQ: these tests are never skipped.
 */
export async function startRabbitmq(
  place?: KeptPlace,
  user?: RabbitmqUser,
): Promise<RabbitmqServer> {
  const script = Bun.which('rabbitmq-server', { PATH: `${DEBIAN}:${process.env.PATH ?? ''}` });
  const epmdProgram = Bun.which('epmd', { PATH: '/usr/bin:/usr/lib/erlang/bin' });
  if (script === null || epmdProgram === null) {
    throw new Error('No RabbitMQ is installed: `apt-get install rabbitmq-server`, or `make test`.');
  }
  const folder = place?.folder ?? mkdtempSync(join(tmpdir(), 'apura-rabbitmq-'));
  mkdirSync(folder, { recursive: true });
  const [anyPort, distributionPort, epmdPort] = [
    await freePort(),
    await freePort(),
    await freePort(),
  ];
  // Its name is its data's, too: it goes by the port that clients know.
  const port = place?.port ?? anyPort;
  const files = { config: join(folder, 'node.conf'), plugins: join(folder, 'plugins') };
  writeFileSync(
    files.config,
    [
      `listeners.tcp.1 = 127.0.0.1:${port}`,
      'log.file.level = warning',
      'disk_free_limit.absolute = 10MB',
      `vm_memory_high_watermark.relative = ${WATERMARK.usual}`,
      ...(user === undefined
        ? []
        : [`default_user = ${user.username}`, `default_pass = ${user.password}`]),
    ].join('\n'),
  );
  writeFileSync(files.plugins, '[].');
  const cookie = join(folder, '.erlang.cookie');
  if (!existsSync(cookie)) writeFileSync(cookie, crypto.randomUUID(), { mode: 0o400 });
  const node = `apura-${port}@localhost`;
  const environment = {
    PATH: '/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin',
    // Erlang keeps its cookie in the home folder, and wants one of its own user's.
    HOME: folder,
    ERL_EPMD_PORT: String(epmdPort),
    RABBITMQ_NODENAME: node,
    RABBITMQ_MNESIA_BASE: join(folder, 'data'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_CONFIG_FILE: files.config,
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_ENABLED_PLUGINS_FILE: files.plugins,
    RABBITMQ_DIST_PORT: String(distributionPort),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS: '-kernel inet_dist_use_interface {127,0,0,1}',
    // Has the script become the node, so that its process id is the node's.
    detached: '1',
  };
  // The node would start the machine's own, and leave it running.
  const epmd = Bun.spawn([epmdProgram, '-port', String(epmdPort), '-address', '127.0.0.1'], {
    stdio: ['ignore', 'ignore', 'ignore'],
  });
  const login = user === undefined ? '' : `${user.username}:${user.password}@`;
  const url = `amqp://${login}127.0.0.1:${port}`;
  const spawn = (): Bun.Subprocess =>
    Bun.spawn([script], {
      env: environment,
      cwd: folder,
      stdio: ['ignore', 'ignore', 'ignore'],
    });
  const launch = async (): Promise<Bun.Subprocess> => {
    let child = spawn();
    await waitUntil(
      `RabbitMQ answers at ${url}`,
      () => {
        if (child.exitCode === null) return answers(url);
        // epmd may not have heard yet that the node of this name is dead, and then refuses the next one.
        const { exitCode } = child;
        child = spawn();
        throw new Error(`RabbitMQ ended with ${exitCode}`);
      },
      START_TIMEOUT_MS,
    ).catch((error: unknown) => {
      child.kill('SIGKILL');
      epmd.kill('SIGKILL');
      throw error;
    });
    return child;
  };
  let child = await launch();
  const kill = async (): Promise<void> => {
    child.kill('SIGKILL');
    await child.exited;
  };
  return {
    url,
    kill,
    async start() {
      child = await launch();
    },
    async alarm(on) {
      const watermark = on ? WATERMARK.none : WATERMARK.usual;
      const control = Bun.spawn(
        [join(DEBIAN, 'rabbitmqctl'), '-n', node, 'set_vm_memory_high_watermark', watermark],
        { env: environment, cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] },
      );
      const said = await new Response(control.stderr).text();
      if ((await control.exited) !== 0) throw new Error(`rabbitmqctl: ${said}`);
    },
    async [Symbol.asyncDispose]() {
      await (place === undefined ? kill() : endInOrder(child));
      epmd.kill('SIGKILL');
      await epmd.exited;
      if (place !== undefined) return;
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Whether the node takes connections: its port is open a while before its queues are there. */
async function answers(url: string): Promise<boolean> {
  try {
    const connection = await connect(url, { timeout: 1_000 });
    connection.on('error', () => {});
    const channel = await connection.createChannel();
    await channel.assertQueue('', { exclusive: true, autoDelete: true });
    await connection.close();
    return true;
  } catch {
    return false;
  }
}
