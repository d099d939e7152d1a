/** Keeps one role running: a process that dies is said loudly and started again, later each time. */
import { closeSync, openSync } from 'node:fs';

export interface RoleProcess extends AsyncDisposable {
  readonly name: string;
  readonly url: string;
  readonly restarts: number;
  /** Whether `/readyz` answers 200 now. */
  isReady(): Promise<boolean>;
}

export interface RoleSettings {
  /** As in `ingest-1`. */
  readonly name: string;
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly port: number;
  /** Where its log goes. */
  readonly logFile: string;
  readonly say: (words: string) => void;
}

const BACK_OFF_FIRST_MS = 500;
const BACK_OFF_MAX_MS = 15_000;
/** Who has run so long has not died of its start. */
const WELL_AFTER_MS = 60_000;
const READY_TIMEOUT_MS = 2_000;
const STOP_TIMEOUT_MS = 10_000;

/** Starts it; it need not be ready yet. */
export function keepRole(settings: RoleSettings): RoleProcess {
  const { name, say } = settings;
  const url = `http://127.0.0.1:${settings.port}`;
  const ended = new AbortController();
  let child = launch(settings);
  let restarts = 0;
  const keep = async (): Promise<void> => {
    let backOffMs = BACK_OFF_FIRST_MS;
    for (;;) {
      const startedAt = performance.now();
      await child.exited;
      if (ended.signal.aborted) return;
      if (performance.now() - startedAt > WELL_AFTER_MS) backOffMs = BACK_OFF_FIRST_MS;
      const how = child.signalCode ?? `exit code ${child.exitCode}`;
      say(`!! ${name} has died (${how}); again in ${backOffMs} ms. Its log: ${settings.logFile}`);
      await pause(backOffMs, ended.signal);
      if (ended.signal.aborted) return;
      backOffMs = Math.min(2 * backOffMs, BACK_OFF_MAX_MS);
      restarts += 1;
      child = launch(settings);
    }
  };
  const kept = keep();
  return {
    name,
    url,
    get restarts() {
      return restarts;
    },
    async isReady() {
      try {
        const signal = AbortSignal.timeout(READY_TIMEOUT_MS);
        return (await fetch(`${url}/readyz`, { signal })).ok;
      } catch {
        return false;
      }
    },
    async [Symbol.asyncDispose]() {
      ended.abort();
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_TIMEOUT_MS);
      await kept;
      clearTimeout(timer);
    },
  };
}

function launch({ command, env, logFile }: RoleSettings): Bun.Subprocess {
  const log = openSync(logFile, 'a');
  try {
    return Bun.spawn([...command], { env: { ...env }, stdio: ['ignore', log, log] });
  } finally {
    closeSync(log);
  }
}

/** Ends early when the signal is aborted. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, ms);
  signal.addEventListener('abort', () => resolve(), { once: true });
  await promise;
  clearTimeout(timer);
}
