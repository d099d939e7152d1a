/** Time as an argument: nothing in domain/ or application/ reads a clock by itself. */
export interface Clock {
  /** Wall time, ms since the Unix epoch. May jump either way. */
  now(): number;
  /** Monotonic time in ms from an arbitrary start: never goes back, never jumps. For durations only. */
  monotonic(): number;
}
