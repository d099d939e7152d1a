/** What acts in the log have made of their pulses, at any position: the last act on a pulse rules. */
import type { UsageSeries } from '../../domain/metering/pulse.ts';
import { pulseKeyAt } from '../../domain/metering/pulse-identity.ts';
import { usageWindowOf } from '../../domain/metering/usage.ts';
import type { LoggedAct, PulseLogPart } from './pulse-log-part.ts';
import { addPulse, type UsageTruth, windowOf } from './usage-truth.ts';

interface Target {
  readonly key: string;
  readonly series: UsageSeries;
  readonly occurredAt: number;
  readonly amount: bigint;
  readonly offset: number;
}

/** Of one partition. Operators write acts by hand: they fit into memory. */
export class ActHistory {
  readonly #partition: number;
  readonly #acts: readonly LoggedAct[];
  readonly #found = new Map<string, Target>();
  /** Keys that acts are about. */
  readonly targets: ReadonlySet<string>;

  constructor(partition: number, acts: readonly LoggedAct[]) {
    this.#partition = partition;
    this.#acts = acts;
    this.targets = new Set(acts.map(({ target }) => target));
  }

  /** Remembers the first pulse of each target; parts come in the order of the log. */
  look({ pulses }: Pick<PulseLogPart, 'pulses'>): void {
    const { count, keys, series, seriesIndex, amounts, occurredAt, offset } = pulses;
    for (let index = 0; index < count; index += 1) {
      const key = pulseKeyAt(keys, index);
      if (!this.targets.has(key) || this.#found.has(key)) continue;
      this.#found.set(key, {
        key,
        series: series[seriesIndex[index] as number] as UsageSeries,
        occurredAt: occurredAt[index] as number,
        amount: amounts[index] as bigint,
        offset: offset[index] as number,
      });
    }
  }

  /** Acts below `nextOffset` whose pulse the log does not hold before them: each is a dead letter. */
  unknown(nextOffset: number): readonly LoggedAct[] {
    return this.#play(nextOffset).unknown;
  }

  /** Targets below `nextOffset` that are voided there. */
  voided(nextOffset: number): number {
    const { ruling } = this.#play(nextOffset);
    return [...ruling.values()].filter(({ amount }) => amount === null).length;
  }

  /** Adds what has become of the targets below `nextOffset`, of these tenants (null: of all). */
  addTo(truth: UsageTruth, nextOffset: number, tenants: ReadonlySet<string> | null): void {
    const { ruling } = this.#play(nextOffset);
    for (const target of this.#found.values()) {
      const { key, series, occurredAt, offset } = target;
      if (offset >= nextOffset || (tenants !== null && !tenants.has(series.tenant))) continue;
      const window = windowOf(truth.lane(this.#partition, series), usageWindowOf(occurredAt));
      const act = ruling.get(key);
      const amount = act === undefined ? target.amount : act.amount;
      if (amount === null) window.voided += 1;
      else addPulse(window, amount, occurredAt, () => key);
    }
  }

  #play(nextOffset: number): {
    /** By target, the last act that was taken. */
    readonly ruling: ReadonlyMap<string, LoggedAct>;
    readonly unknown: readonly LoggedAct[];
  } {
    const taken = new Set<string>();
    const ruling = new Map<string, LoggedAct>();
    const unknown: LoggedAct[] = [];
    for (const act of this.#acts) {
      if (act.offset >= nextOffset) break;
      if (taken.has(act.actId)) continue;
      const target = this.#found.get(act.target);
      if (target === undefined || target.offset > act.offset) unknown.push(act);
      else {
        taken.add(act.actId);
        ruling.set(act.target, act);
      }
    }
    return { ruling, unknown };
  }
}
