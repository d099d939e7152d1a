/** Runs a gateway with its shipped configuration as a process of one's own: for development and for tests. */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { join } from 'node:path';
import { type GatewayKind, type GatewaySettings, renderGateway } from './gateway.ts';

export interface GatewayProcess extends AsyncDisposable {
  readonly url: string;
  readonly pid: number;
  /** Resolves to the exit code once the process is gone. */
  readonly exited: Promise<number>;
  /** Puts other settings in force without refusing or cutting a connection. Listens on the same address. */
  reload(settings: Pick<GatewaySettings, 'ingest' | 'query'>): void;
}

const START_TIMEOUT_MS = 10_000;
/** Debian keeps both off an ordinary user's PATH. */
const SYSTEM_PATHS = '/usr/sbin:/usr/local/sbin:/sbin';

/**
 * Resolves once the gateway accepts connections. The folder is made if it is not there.
 *
 * @throws what it printed, if it ends before; when it is not installed.
 */
export async function startGateway(
  kind: GatewayKind,
  settings: GatewaySettings,
): Promise<GatewayProcess> {
  const program = Bun.which(kind, { PATH: `${process.env.PATH ?? ''}:${SYSTEM_PATHS}` });
  if (program === null) throw new Error(`No ${kind} is installed: \`apt-get install ${kind}\`.`);
  mkdirSync(settings.folder, { recursive: true });
  const file = join(settings.folder, `${kind}.conf`);
  const write = (now: GatewaySettings): void => writeFileSync(file, renderGateway(kind, now));
  write(settings);
  const command = kind === 'nginx' ? nginxCommand(program, file) : [program, '-W', '-f', file];
  const child = Bun.spawn(command, { stdio: ['ignore', 'ignore', 'pipe'] });
  let printed = '';
  void (async () => {
    const decoder = new TextDecoder();
    for await (const chunk of child.stderr) {
      printed = (printed + decoder.decode(chunk, { stream: true })).slice(-8_192);
    }
  })();
  const deadline = performance.now() + START_TIMEOUT_MS;
  const isUp = async (): Promise<boolean> =>
    (kind === 'nginx' || heedsReload(child.pid)) && (await accepts(settings.listen));
  while (!(await isUp())) {
    if (child.exitCode !== null || performance.now() > deadline) {
      child.kill('SIGKILL');
      throw new Error(`${kind} does not listen on ${settings.listen}.\n${printed}`);
    }
    await Bun.sleep(20);
  }
  return {
    url: `http://${settings.listen}`,
    pid: child.pid,
    exited: child.exited,
    reload(next) {
      write({ ...settings, ...next });
      child.kill(kind === 'nginx' ? 'SIGHUP' : 'SIGUSR2');
    },
    async [Symbol.asyncDispose]() {
      // At once, to all of its processes: whoever has to wait for viewers sends SIGQUIT or SIGUSR1 instead.
      child.kill('SIGTERM');
      await child.exited;
    },
  };
}

function nginxCommand(program: string, file: string): string[] {
  // Root's nginx gives its workers to a user that may not write to root's folders.
  const user = process.getuid?.() === 0 ? ' user root;' : '';
  // Without -e it tries the system's own log file before it reads the configuration.
  return [program, '-e', 'stderr', '-g', `daemon off;${user}`, '-c', file];
}

/** HAProxy's master listens before it heeds signals, and one that came in between is lost. */
function heedsReload(pid: number): boolean {
  const status = `/proc/${pid}/status`;
  if (!existsSync(status)) return true;
  const caught = /^SigCgt:\s*([0-9a-f]+)$/m.exec(readFileSync(status, 'utf8'))?.[1] ?? '0';
  return (BigInt(`0x${caught}`) & (1n << BigInt(constants.signals.SIGUSR2 - 1))) !== 0n;
}

async function accepts(address: string): Promise<boolean> {
  const { hostname, port } = new URL(`http://${address}`);
  try {
    const socket = await Bun.connect({
      hostname,
      port: Number(port === '' ? 80 : port),
      socket: { data: () => {}, error: () => {} },
    });
    socket.end();
    return true;
  } catch {
    return false;
  }
}
