/**
 * The door's books: received = accepted + rejected (by reason) + unknown. Plain counters that a vote
 * raises by one each; metrics and the console read them when they want to.
 */
import { Histogram } from '../runtime/histogram.ts';

export interface DoorSnapshot {
  readonly received: number;
  readonly accepted: number;
  readonly rejected: Readonly<Record<string, number>>;
  readonly unknown: number;
  readonly acceptedPerSecond: number;
  readonly peakPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export class DoorMetrics {
  received = 0;
  accepted = 0;
  unknown = 0;
  readonly #rejected = new Map<string, number>();
  #recent = new Histogram();
  #latency = new Histogram();
  #acceptedAtLastSecond = 0;
  #perSecond = 0;
  #peak = 0;
  #p50 = 0;
  #p99 = 0;

  /** All latencies since the start, ms. */
  get latency(): Histogram {
    return this.#latency;
  }

  get rejected(): ReadonlyMap<string, number> {
    return this.#rejected;
  }

  accept(latencyMs: number): void {
    this.accepted += 1;
    this.#recent.record(latencyMs);
  }

  reject(reason: string): void {
    this.#rejected.set(reason, (this.#rejected.get(reason) ?? 0) + 1);
  }

  /** Ends one second of rates and latencies; called once a second. */
  endSecond(seconds: number): void {
    this.#perSecond = Math.round((this.accepted - this.#acceptedAtLastSecond) / seconds);
    this.#acceptedAtLastSecond = this.accepted;
    this.#peak = Math.max(this.#peak, this.#perSecond);
    this.#p50 = this.#recent.percentile(50);
    this.#p99 = this.#recent.percentile(99);
    this.#latency.merge(this.#recent);
    this.#recent.reset();
  }

  snapshot(): DoorSnapshot {
    return {
      received: this.received,
      accepted: this.accepted,
      rejected: Object.fromEntries(this.#rejected),
      unknown: this.unknown,
      acceptedPerSecond: this.#perSecond,
      peakPerSecond: this.#peak,
      p50Ms: this.#p50,
      p99Ms: this.#p99,
    };
  }
}
