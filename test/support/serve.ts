/** A real `apura serve` for tests: its own port and data folder, to be killed, stalled and started again. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const MAIN = fileURLToPath(new URL('../../src/main.ts', import.meta.url));
/** Generous: a busy machine is slow, and no test is about how slow. */
const START_TIMEOUT_MS = 60_000;

export interface ServeOptions {
  /** Further settings, such as `APURA_PARTITIONS`. */
  readonly env?: Readonly<Record<string, string>>;
  /** Whether to make the open demo poll. */
  readonly demo?: boolean;
  /** A folder to go on with, which then outlives the server; a new one, removed at `stop`, if absent. */
  readonly dataDir?: string;
  /** A port to listen on again; any free one if absent. */
  readonly port?: number;
  /** A command that goes before the program's own, such as a shell that sets a limit first. */
  readonly wrapper?: readonly string[];
}

export interface RunningServe {
  readonly url: string;
  /** Of gRPC. */
  readonly grpcUrl: string;
  readonly port: number;
  readonly token: string;
  readonly dataDir: string;
  readonly pid: number;
  /** What it has printed on standard output so far. */
  readonly output: string;
  /** What it has printed on standard error so far: its log. */
  readonly log: string;
  /** Resolves to the exit code once the process is gone, however it went. */
  readonly exited: Promise<number>;
  /** How long it took from the start of the process to its word that it is ready, ms. */
  readonly readyMs: number;
  /** Sends a signal; resolves to the exit code once the process is gone, at once for SIGSTOP and SIGCONT. */
  kill(signal: NodeJS.Signals): Promise<number>;
  /** Ends the process in peace and removes a folder that was made for it. */
  stop(): Promise<void>;
}

/** A process that was started, but need not be ready yet. */
export interface LaunchedServe {
  /** kill -9; resolves once the process is gone. */
  kill(): Promise<void>;
  /** Rejects with what it printed, if it ends before. */
  readonly ready: Promise<RunningServe>;
}

/** Starts the program and waits until it says that it is ready. @throws what it printed, if it ends. */
export function startServe(options: ServeOptions = {}): Promise<RunningServe> {
  return launchServe(options).ready;
}

/** Starts the program. */
export function launchServe(options: ServeOptions = {}): LaunchedServe {
  const dataDir = options.dataDir ?? mkdtempSync(join(tmpdir(), 'apura-serve-'));
  const startedAt = performance.now();
  const child = Bun.spawn([...(options.wrapper ?? []), process.execPath, MAIN, 'serve'], {
    env: {
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      APURA_DATA: dataDir,
      APURA_HTTP_PORT: String(options.port ?? 0),
      APURA_GRPC_PORT: '0',
      APURA_LOG_LEVEL: 'warn',
      ...(options.demo === true ? { APURA_DEMO: '1' } : {}),
      ...options.env,
    },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  let output = '';
  let log = '';
  const ready = Promise.withResolvers<void>();
  const errorsRead = read(child.stderr, (text) => {
    log += text;
  });
  void (async () => {
    await read(child.stdout, (text) => {
      output += text;
      if (output.includes('token file') || /durability .*\n/.test(output)) ready.resolve();
    });
    await errorsRead;
    ready.reject(new Error(`apura serve ended before it was ready: ${output}${log}`));
  })();
  const timer = setTimeout(
    () => ready.reject(new Error(`apura serve is not ready after ${START_TIMEOUT_MS} ms`)),
    START_TIMEOUT_MS,
  );
  const running = async (): Promise<RunningServe> => {
    try {
      await ready.promise;
    } catch (error) {
      child.kill('SIGKILL');
      throw error;
    } finally {
      clearTimeout(timer);
    }
    return runningServe();
  };
  const runningServe = (): RunningServe => {
    const readyMs = performance.now() - startedAt;
    const url = /Apura is ready: (\S+)/.exec(output)?.[1] ?? '';
    return {
      url,
      grpcUrl: /gRPC +(\S+)/.exec(output)?.[1] ?? '',
      port: Number(new URL(url).port),
      token:
        options.env?.APURA_ADMIN_TOKEN ?? readFileSync(join(dataDir, 'admin-token'), 'utf8').trim(),
      dataDir,
      pid: child.pid,
      get output() {
        return output;
      },
      get log() {
        return log;
      },
      exited: child.exited,
      readyMs,
      async kill(signal) {
        child.kill(signal);
        return signal === 'SIGSTOP' || signal === 'SIGCONT' ? 0 : await child.exited;
      },
      async stop() {
        child.kill('SIGCONT');
        child.kill('SIGTERM');
        await child.exited;
        if (options.dataDir === undefined) rmSync(dataDir, { recursive: true, force: true });
      },
    };
  };
  const started = running();
  // Who kills it before it is ready need not care that it never was.
  started.catch(() => {});
  return {
    async kill() {
      child.kill('SIGKILL');
      await child.exited;
    },
    ready: started,
  };
}

async function read(from: ReadableStream<Uint8Array>, take: (text: string) => void) {
  const decoder = new TextDecoder();
  for await (const chunk of from) take(decoder.decode(chunk, { stream: true }));
}

export interface CommandEnd {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface RunningCommand {
  readonly pid: number;
  readonly ended: Promise<CommandEnd>;
}

/** Starts one command of the program. */
export function startApura(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): RunningCommand {
  const child = Bun.spawn([process.execPath, MAIN, ...argv], {
    env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
    stdout: 'pipe',
    stderr: 'pipe',
  });
  const ended = async (): Promise<CommandEnd> => {
    const [stdout, stderr] = await Promise.all([
      new Response(child.stdout).text(),
      new Response(child.stderr).text(),
    ]);
    return { exitCode: await child.exited, stdout, stderr };
  };
  return { pid: child.pid, ended: ended() };
}

/** Runs one command of the program to its end. */
export function runApura(
  argv: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<CommandEnd> {
  return startApura(argv, env).ended;
}
