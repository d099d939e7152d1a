/** Runs one thing often enough, and no oftener: a burst of calls becomes one now and one later. */

export interface Pacer {
  /** Asks for a run: in the next turn, or once the interval since the last run is over. */
  poke(): void;
  /** Asks for a run in `ms` at the latest. */
  pokeIn(ms: number): void;
  stop(): void;
}

/** `monotonic` in ms, as Clock.monotonic. */
export function createPacer(monotonic: () => number, intervalMs: number, run: () => void): Pacer {
  let lastRunAt = Number.NEGATIVE_INFINITY;
  let dueAt = Number.POSITIVE_INFINITY;
  let timer: ReturnType<typeof setTimeout> | null = null;

  const runAt = (at: number): void => {
    if (timer !== null) {
      if (dueAt <= at) return;
      clearTimeout(timer);
    }
    dueAt = at;
    timer = setTimeout(
      () => {
        timer = null;
        lastRunAt = monotonic();
        run();
      },
      Math.max(0, at - monotonic()),
    );
  };

  return {
    poke: () => runAt(Math.max(monotonic(), lastRunAt + intervalMs)),
    pokeIn: (ms) => runAt(Math.max(monotonic() + ms, lastRunAt + intervalMs)),
    stop() {
      if (timer !== null) clearTimeout(timer);
      timer = null;
    },
  };
}
