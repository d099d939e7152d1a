/** Starts the distributed Apura whole on one machine: servers, roles and gateway, until Ctrl-C: `make run-distributed`. */
import { randomBytes } from 'node:crypto';
import { chmodSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { startGateway } from './gateway-process.ts';
import { inOwnSession } from './own-session.ts';
import { memoryBelow, type ProcessMemory } from './process-memory.ts';
import { keepRole, type RoleProcess } from './role-process.ts';
import { isFree, startServices } from './services.ts';

interface Size {
  readonly name: string;
  readonly kafkaNodes: number;
  /** How many processes of each role. */
  readonly roles: Readonly<Record<string, number>>;
  readonly goalBytes: number;
}

const GIB = 1024 ** 3;
const WHOLE: Size = {
  name: 'whole',
  kafkaNodes: 3,
  roles: { query: 2, ingest: 2, tally: 2, ledger: 2, sync: 1, aggregate: 2, rate: 1 },
  goalBytes: 6 * GIB,
};
const LITE: Size = {
  name: 'LITE',
  kafkaNodes: 1,
  roles: { query: 1, ingest: 1, tally: 1, ledger: 1, sync: 1, aggregate: 1, rate: 1 },
  goalBytes: 2.5 * GIB,
};

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Each size is an installation of its own: another Kafka is another log, and stores refuse to go on without theirs. */
const folderOf = ({ name }: Size): string => join(ROOT, 'build/distributed', name.toLowerCase());
const GATEWAY_PORT = 8080;
/** The roles' own, one after the other. */
const ROLE_PORT_FIRST = 8101;
/** Of gRPC, beside the role's own. */
const grpcPortOf = (port: number): number => port + 1_000;
const READY_TIMEOUT_MS = 90_000;
const DEMO_TIMEOUT_MS = 15_000;
const DEMO_ANSWER_MS = 2_000;
const JSON_TYPE = { 'content-type': 'application/json' };
const ASK_AGAIN_MS = 200;
const LOOK_EVERY_MS = 10_000;
/** What of memory is worth a new line. */
const CHANGE_MIN_BYTES = 32 * 1024 ** 2;

function say(words: string): void {
  console.log(words);
}

/** Made at the first run and kept, so that sessions and tokens outlast a restart. */
function secret(folder: string, name: string): string {
  const file = join(folder, name);
  if (!existsSync(file)) {
    writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
    chmodSync(file, 0o600);
  }
  return readFileSync(file, 'utf8').trim();
}

async function main(argv: readonly string[], stop: AbortSignal): Promise<number> {
  const size = argv.includes('--lite') ? LITE : WHOLE;
  const folder = folderOf(size);
  mkdirSync(folder, { recursive: true });
  if (!(await isFree(GATEWAY_PORT))) throw new Error(`Port ${GATEWAY_PORT} is taken.`);
  // Left in the opposite order: the gateway first, so that nobody knocks at a door that is closing.
  await using started = new AsyncDisposableStack();
  started.defer(() => say('All has stopped.'));

  say(`Starting ${size.kafkaNodes} Kafka node(s), Redis and Postgres …`);
  const services = started.use(
    await startServices({
      what: ['redis', 'postgres', 'kafka'],
      kafkaNodes: size.kafkaNodes,
      folder: join(folder, 'services'),
    }),
  );
  for (const line of services.lines) say(`  ${line}`);
  if (stop.aborted) return 0;

  const token = secret(folder, 'admin-token');
  const env = {
    PATH: process.env.PATH,
    HOME: process.env.HOME,
    ...services.env,
    APURA_ADMIN_TOKEN: token,
    APURA_SECRET: secret(folder, 'secret'),
    APURA_TRUSTED_PROXIES: '127.0.0.1',
    APURA_HTTP_HOST: '127.0.0.1',
  };
  await migrate(env);
  const roles = startRoles(size, folder, env, started);
  if (!(await allReady(roles, folder, stop))) return stop.aborted ? 0 : 1;

  const addressesOf = (role: string): readonly string[] =>
    roles.filter(({ name }) => name.startsWith(`${role}-`)).map(({ url }) => new URL(url).host);
  const gateway = started.use(
    await startGateway('nginx', {
      listen: `127.0.0.1:${GATEWAY_PORT}`,
      folder: join(folder, 'gateway'),
      ingest: addressesOf('ingest'),
      query: addressesOf('query'),
    }),
  );
  await demoIsOpen(roles, stop);
  announce(roles, folder, token);
  await watch(size, roles, gateway.exited, stop);
  say('Stopping …');
  return 0;
}

/** Makes tables before many processes want to. @throws what it printed. */
async function migrate(env: Readonly<Record<string, string | undefined>>): Promise<void> {
  say('Preparing the stores …');
  const command = Bun.spawn([join(ROOT, 'bin/apura'), 'migrate'], {
    env: { ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const [out, error] = await Promise.all([
    new Response(command.stdout).text(),
    new Response(command.stderr).text(),
  ]);
  if ((await command.exited) !== 0) throw new Error(`apura migrate failed.\n${out}${error}`);
}

function startRoles(
  size: Size,
  folder: string,
  env: Readonly<Record<string, string | undefined>>,
  started: AsyncDisposableStack,
): readonly RoleProcess[] {
  const names = Object.entries(size.roles).flatMap(([role, count]) =>
    Array.from({ length: count }, (_, at) => ({ role, name: `${role}-${at + 1}` })),
  );
  return names.map(({ role, name }, at) => {
    const port = ROLE_PORT_FIRST + at;
    const data = join(folder, name);
    mkdirSync(data, { recursive: true });
    return started.use(
      keepRole({
        name,
        command: [join(ROOT, 'bin/apura'), role],
        env: {
          ...env,
          APURA_DATA: data,
          APURA_HTTP_PORT: String(port),
          APURA_GRPC_PORT: String(grpcPortOf(port)),
          ...(role === 'query' ? { APURA_DEMO: '1' } : {}),
        },
        port,
        logFile: join(folder, `${name}.log`),
        say,
      }),
    );
  });
}

/** Whether all are ready in time. Says which are not. */
async function allReady(
  roles: readonly RoleProcess[],
  folder: string,
  stop: AbortSignal,
): Promise<boolean> {
  const deadline = performance.now() + READY_TIMEOUT_MS;
  let waiting = roles;
  while (!stop.aborted) {
    const ready = await Promise.all(waiting.map((role) => role.isReady()));
    waiting = waiting.filter((_, at) => ready[at] !== true);
    if (waiting.length === 0) return true;
    if (performance.now() > deadline) {
      const names = waiting.map(({ name }) => name).join(', ');
      say(`Not ready after ${READY_TIMEOUT_MS / 1000} s: ${names}. Their logs are in ${folder}.`);
      return false;
    }
    await Bun.sleep(ASK_AGAIN_MS);
  }
  return false;
}

/**
 * Waits until every door knows that the demo poll is open: it is made by a query role once that is ready, and
 * doors hear of it by the log. Not for long: operators may have paused or closed it in an earlier run.
 */
async function demoIsOpen(roles: readonly RoleProcess[], stop: AbortSignal): Promise<void> {
  const doors = roles.filter(({ name }) => /^(ingest|query)-/.test(name));
  const deadline = performance.now() + DEMO_TIMEOUT_MS;
  const isOpen = async ({ url }: RoleProcess): Promise<boolean> => {
    const answer = await fetch(new URL('/v1/polls/demo/votes', url), {
      method: 'POST',
      headers: JSON_TYPE,
      body: '{"option":"nobody"}',
      signal: AbortSignal.timeout(DEMO_ANSWER_MS),
    });
    const { code } = (await answer.json()) as { readonly code?: unknown };
    return code !== 'poll_not_found' && code !== 'poll_not_open';
  };
  while (!stop.aborted && performance.now() < deadline) {
    const open = await Promise.all(doors.map((door) => isOpen(door).catch(() => false)));
    if (open.every(Boolean)) return;
    await Bun.sleep(ASK_AGAIN_MS);
  }
}

function announce(roles: readonly RoleProcess[], folder: string, token: string): void {
  const url = `http://localhost:${GATEWAY_PORT}`;
  say(`\nApura is ready: ${url}`);
  say(`  voters     ${url}/`);
  say(`  operators  ${url}/console`);
  say(`  API        ${url}/docs`);
  for (const { name, url: own } of roles) {
    const port = grpcPortOf(Number(new URL(own).port));
    if (name.startsWith('ingest-')) say(`  gRPC       http://localhost:${port}`);
  }
  say(`  token      ${token}`);
  for (const { name, url: own } of roles) say(`  ${name.padEnd(10)} ${own}`);
  say(`  logs       ${folder}\n`);
}

/** Looks every 10 s, until told to stop or the gateway has ended; says what has changed. */
async function watch(
  size: Size,
  roles: readonly RoleProcess[],
  gatewayEnded: Promise<number>,
  stop: AbortSignal,
): Promise<void> {
  const { promise: over, resolve } = Promise.withResolvers<'over'>();
  stop.addEventListener('abort', () => resolve('over'), { once: true });
  void gatewayEnded.then((code) => {
    if (!stop.aborted) say(`!! The gateway has ended with ${code}.`);
    resolve('over');
  });
  if (stop.aborted) resolve('over');
  let sum = printMemory(size);
  let known = '';
  for (;;) {
    const timer = Promise.withResolvers<'look'>();
    const due = setTimeout(() => timer.resolve('look'), LOOK_EVERY_MS);
    const next = await Promise.race([over, timer.promise]);
    clearTimeout(due);
    if (next === 'over') return;
    const ready = await Promise.all(roles.map((role) => role.isReady()));
    const unready = roles.filter((_, at) => ready[at] !== true).map(({ name }) => name);
    const restarts = roles.reduce((count, role) => count + role.restarts, 0);
    const state =
      (unready.length === 0 ? 'all ready' : `NOT READY: ${unready.join(', ')}`) +
      (restarts === 0 ? '' : `, ${restarts} started again`);
    const now = total(memoryBelow(process.pid));
    if (state === known && Math.abs(now - sum) < CHANGE_MIN_BYTES) continue;
    say(`${new Date().toISOString()}  ${state}, ${mebibytes(now)} MiB`);
    known = state;
    sum = now;
  }
}

/** The table of all processes; their sum. */
function printMemory(size: Size): number {
  const groups = Map.groupBy(memoryBelow(process.pid), ({ command }) => groupOf(command));
  say('  process                     RSS MiB   PSS MiB');
  for (const [name, processes] of groups) {
    const rss = processes.reduce((sum, { rssBytes }) => sum + rssBytes, 0);
    const title = processes.length === 1 ? name : `${name} (${processes.length})`;
    say(`  ${title.padEnd(24)} ${column(rss)} ${column(total(processes))}`);
  }
  const sum = total([...groups.values()].flat());
  const verdict = sum <= size.goalBytes ? 'within' : 'OVER';
  say(
    `  sum of PSS ${mebibytes(sum)} MiB: ${verdict} ${mebibytes(size.goalBytes)} MiB (${size.name})\n`,
  );
  return sum;
}

function groupOf(command: string): string {
  const role = /src\/main\.ts ([a-z]+)/.exec(command)?.[1];
  if (role !== undefined) return `apura ${role}`;
  if (command.includes('kafka.Kafka')) return 'kafka';
  return ['redis', 'postgres', 'nginx'].find((name) => command.includes(name)) ?? command;
}

function total(processes: readonly ProcessMemory[]): number {
  return processes.reduce((sum, { shareBytes }) => sum + shareBytes, 0);
}

function mebibytes(bytes: number): string {
  return Math.round(bytes / 1024 ** 2).toLocaleString('en');
}

function column(bytes: number): string {
  return mebibytes(bytes).padStart(9);
}

if (import.meta.main) await inOwnSession(import.meta.path, main);
