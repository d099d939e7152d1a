/** Runs a script apart from the terminal, so that Ctrl-C ends what it has started in its order, not all at once. */

const APART = '--apart';

/**
 * Runs `main` in a process group of its own, with the arguments of this process, until it returns. `stop` is
 * aborted by Ctrl-C, by SIGTERM, and when the process that the terminal knows is gone, however it went.
 */
export async function inOwnSession(
  script: string,
  main: (argv: readonly string[], stop: AbortSignal) => Promise<number>,
): Promise<void> {
  const argv = process.argv.slice(2);
  process.exitCode =
    argv[0] === APART ? await runApart(argv.slice(1), main) : await attend(script, argv);
}

async function attend(script: string, argv: readonly string[]): Promise<number> {
  const child = Bun.spawn([process.execPath, script, APART, ...argv], {
    // Closed by the system when this process is gone.
    stdin: 'pipe',
    stdout: 'inherit',
    stderr: 'inherit',
    detached: true,
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
    process.on(signal, () => child.kill('SIGTERM'));
  }
  return child.exited;
}

async function runApart(
  argv: readonly string[],
  main: (argv: readonly string[], stop: AbortSignal) => Promise<number>,
): Promise<number> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop.abort());
  process.stdin.on('end', () => stop.abort());
  process.stdin.resume();
  try {
    return await main(argv, stop.signal);
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  } finally {
    process.stdin.destroy();
  }
}
