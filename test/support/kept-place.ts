/** Where a server lives that is to outlast the process that started it: the same data and address next time. */

export interface KeptPlace {
  /** Absolute path; made if it is not there, and left when the server ends. */
  readonly folder: string;
  /** Where clients connect. */
  readonly port: number;
}

const END_TIMEOUT_MS = 20_000;

/** Ends a process in good order; as kill -9 does, if it takes too long for that. */
export async function endInOrder(
  child: Pick<Bun.Subprocess, 'kill' | 'exited'>,
  signal: NodeJS.Signals = 'SIGTERM',
): Promise<void> {
  child.kill('SIGCONT');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), END_TIMEOUT_MS);
  await child.exited;
  clearTimeout(timer);
}
