/**
 * Tells the server's time on a device whose own clock may be hours off.
 *
 * Every message from the server bounds the offset between its clock and the device's monotonic one: the
 * message was written before it arrived (a lower bound) and, when it answers a request, after the request
 * left (an upper bound). The bounds of all messages are intersected; the estimate is the middle, or the
 * lower bound alone, which errs by the network's delay into the past. That side is safe: a door refuses an
 * id from the future within seconds, one from the past within minutes.
 *
 * The device's wall clock is never believed. It is only compared with the monotonic clock: when the two
 * part, the device slept (some stop the monotonic clock then) or was set, and the bounds are void.
 */

export type DeviceClocks = {
  /** Milliseconds that never jump, from any origin: `performance.now()`. */
  readonly monotonic: () => number;
  /** Milliseconds since the epoch as the device believes: `Date.now()`. */
  readonly wall: () => number;
};

/** The wall and the monotonic clock may part by this much (slewing, timer coarseness) before a doubt. */
const CLOCKS_PART_MAX_MS = 1_500;

export class ServerClock {
  readonly #device: DeviceClocks;
  #lower = Number.NEGATIVE_INFINITY;
  #upper = Number.POSITIVE_INFINITY;
  #wallMinusMonotonic: number;
  #known = false;

  constructor(device: DeviceClocks) {
    this.#device = device;
    this.#wallMinusMonotonic = device.wall() - device.monotonic();
  }

  /** The device's monotonic time, to note when a request leaves. */
  monotonic(): number {
    return this.#device.monotonic();
  }

  /**
   * Takes in one message: the server's time in it (ms since the epoch), when it arrived and, when it
   * answers a request, when that left (both by `monotonic()`). A message that contradicts the earlier ones
   * replaces them: the server's clock or the device's has moved.
   */
  observe(serverMs: number, arrivedAt: number, leftAt: number | null): void {
    if (!Number.isFinite(serverMs)) return;
    if (!this.trusted()) this.#forget();
    const lower = serverMs - arrivedAt;
    const upper = leftAt === null ? Number.POSITIVE_INFINITY : serverMs - leftAt;
    if (lower > this.#upper || upper < this.#lower) {
      this.#lower = lower;
      this.#upper = upper;
    } else {
      this.#lower = Math.max(this.#lower, lower);
      this.#upper = Math.min(this.#upper, upper);
    }
    this.#known = true;
  }

  /** Whether the server's time has been heard, and the device's clocks have run together since. */
  trusted(): boolean {
    return this.#known && Math.abs(this.#drift()) <= CLOCKS_PART_MAX_MS;
  }

  /** Throws away what was learnt: the server has refused an id for its time. */
  distrust(): void {
    this.#known = false;
  }

  /**
   * The server's time now, ms since the epoch. While it is not `trusted()` this is the best guess (the wall
   * clock's progress since the last message, or the wall clock itself): fit to show, not to make an id.
   */
  now(): number {
    if (this.#lower === Number.NEGATIVE_INFINITY) return this.#device.wall();
    const slept = this.trusted() ? 0 : Math.max(0, this.#drift());
    return this.#device.monotonic() + this.#offset() + slept;
  }

  #offset(): number {
    if (this.#upper === Number.POSITIVE_INFINITY) return this.#lower;
    return (this.#lower + this.#upper) / 2;
  }

  #drift(): number {
    return this.#device.wall() - this.#device.monotonic() - this.#wallMinusMonotonic;
  }

  #forget(): void {
    this.#lower = Number.NEGATIVE_INFINITY;
    this.#upper = Number.POSITIVE_INFINITY;
    this.#wallMinusMonotonic = this.#device.wall() - this.#device.monotonic();
  }
}
