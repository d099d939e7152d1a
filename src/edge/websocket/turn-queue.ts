/** Runs one job a turn of the event loop, so that a long list of them never holds up a vote. */

export interface TurnQueue {
  /** Puts the job at the end; one that waits already is not put there twice. */
  add(job: () => void): void;
  /** Forgets what waits. */
  clear(): void;
}

export function createTurnQueue(): TurnQueue {
  const waiting = new Set<() => void>();
  let isScheduled = false;

  const schedule = (): void => {
    if (isScheduled || waiting.size === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      const [job] = waiting;
      if (job === undefined) return;
      waiting.delete(job);
      try {
        job();
      } finally {
        schedule();
      }
    });
  };

  return {
    add(job) {
      waiting.add(job);
      schedule();
    },
    clear: () => waiting.clear(),
  };
}
