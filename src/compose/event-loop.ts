/** The event loop of this thread, as group commit needs it. */
import type { EventLoop } from '../application/counting/group-commit.ts';

export const eventLoop: EventLoop = {
  nextTurn(run) {
    setImmediate(run);
  },
  after(ms, run) {
    const timer = setTimeout(run, ms);
    return () => clearTimeout(timer);
  },
};

/**
 * Runs a task again and again, `ms` after it has ended, until stopped. A failure is reported and the
 * task goes on. Stopping waits for a run that is under way.
 */
export function repeat(
  ms: number,
  task: () => void | Promise<void>,
  onFailure: (error: unknown) => void,
): () => Promise<void> {
  let stopped = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let running: Promise<void> = Promise.resolve();
  const run = async (): Promise<void> => {
    try {
      await task();
    } catch (error) {
      onFailure(error);
    }
    if (!stopped) schedule();
  };
  const schedule = (): void => {
    timer = setTimeout(() => {
      running = run();
    }, ms);
  };
  schedule();
  return async () => {
    stopped = true;
    clearTimeout(timer);
    await running;
  };
}

/**
 * Runs what goes on until its signal aborts. Whoever stops it waits for its end; `onFailure` is told where it
 * has ended by itself.
 */
export function runUntilStopped(
  run: (signal: AbortSignal) => Promise<void>,
  onFailure: (error: Error) => void,
): () => Promise<void> {
  const stop = new AbortController();
  const running = run(stop.signal).catch(onFailure);
  return async () => {
    stop.abort();
    await running;
  };
}
