/** How every long-running command ends: told to stop, in peace; or by itself, saying why. */
import type { CliIo, ExitCode } from './cli-io.ts';

export interface RunningProcess {
  /** Resolves where the process has to end by itself. */
  readonly failed: Promise<Error>;
  stop(): Promise<void>;
}

export async function untilStopped(running: RunningProcess, io: CliIo): Promise<ExitCode> {
  const { promise: told, resolve } = Promise.withResolvers<null>();
  io.signal?.addEventListener('abort', () => resolve(null), { once: true });
  if (io.signal?.aborted === true) resolve(null);
  const failure = await Promise.race([told, running.failed]);
  if (failure !== null) io.stderr(`stopping: ${failure.message}\n`);
  await running.stop();
  return failure === null ? 0 : 1;
}
