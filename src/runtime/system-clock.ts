/** The machine's own clock: the one place where Apura asks what time it is. */
export const systemClock = {
  /** Wall time, ms since the Unix epoch. */
  now: (): number => Date.now(),
  /** Monotonic time in ms from the start of the thread. */
  monotonic: (): number => performance.now(),
};
