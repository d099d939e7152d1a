/** Knows how lately a log has answered, so that a door which is cut off refuses at once, before it takes anything. */
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';

/** A log that has not answered for so long is out of reach, ms: longer than a broker takes to change its leaders. */
export const LOG_REACH_STALE_MS = 5_000;

export interface LogReachDeps {
  readonly log: Pick<EventLog, 'bounds' | 'description'>;
  readonly clock: Clock;
}

export class LogReach {
  readonly #deps: LogReachDeps;
  #next = 0;
  #answeredAt: number | null = null;
  /** The wall time of the same moment: it goes on while a machine is suspended. */
  #answeredTime = 0;

  constructor(deps: LogReachDeps) {
    this.#deps = deps;
  }

  /** Why nothing may be taken in for the log now; null while it is in reach. */
  get trouble(): string | null {
    const { clock, log } = this.#deps;
    const { logId } = log.description;
    if (this.#answeredAt === null) return `The log ${logId} has not been reached yet.`;
    const age = Math.max(clock.monotonic() - this.#answeredAt, clock.now() - this.#answeredTime);
    return age <= LOG_REACH_STALE_MS ? null : `The log ${logId} has not answered lately.`;
  }

  /**
   * Asks a partition, another one each time: the log is out of reach where none of them answers.
   *
   * @throws whatever the log throws; what was seen last stands.
   */
  async look(): Promise<void> {
    const { clock, log } = this.#deps;
    const [askedAt, askedTime] = [clock.monotonic(), clock.now()];
    const partition = this.#next;
    this.#next = (partition + 1) % log.description.partitions;
    await log.bounds(partition);
    [this.#answeredAt, this.#answeredTime] = [askedAt, askedTime];
  }
}
