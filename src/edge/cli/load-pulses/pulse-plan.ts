/**
 * What every pulse of a run is, reckoned from its number alone: a pulse that is sent again is the same to
 * the byte, and the sums that usage must come to need no memory of what was sent.
 */
import { avalanche, formatUuidV7 } from '../../../domain/counting/event-id.ts';
import type { UsageSeries } from '../../../domain/metering/pulse.ts';
import type { RunTag } from '../load/vote-ids.ts';

export interface PlanSettings {
  /** What the names of tenants and products begin with. */
  readonly prefix: string;
  readonly tenants: number;
  readonly skus: number;
  /** Share of the pulses that are sent again although they were acknowledged, 0 to 1. */
  readonly duplicates: number;
  readonly seed: number;
  readonly tag: RunTag;
  /** When pulse `n` occurred, server time, ms since the Unix epoch; fractions are cut off. */
  readonly occurredAt: (pulse: number) => number;
}

/** The three parts of an amount: `whole.high low`, nine digits each behind the point. */
export interface AmountParts {
  readonly whole: number;
  readonly high: number;
  readonly low: number;
}

export const LOAD_SOURCE = 'apura-load';
const UNITS = ['call', 'GB', 's', 'token'] as const;
/** Three digits before the point in every amount, so that all are of one length. */
const WHOLE_MIN = 100;
const WHOLE_COUNT = 900;
const BILLION = 1_000_000_000;
const WORDS = 0x1_0000_0000;
/** Tells the draws of one pulse apart. */
const DRAWS = { series: 1, whole: 2, high: 3, low: 4, duplicate: 5 } as const;

export class PulsePlan {
  /** Every tenant with every product, which has one unit. */
  readonly series: readonly UsageSeries[];
  readonly #settings: PlanSettings;

  constructor(settings: PlanSettings) {
    this.#settings = settings;
    const { prefix, tenants, skus } = settings;
    const products = numbered(`${prefix}.sku`, skus).map((sku, number) => ({
      sku,
      unit: UNITS[number % UNITS.length] as string,
    }));
    this.series = tenantNames(prefix, tenants).flatMap((tenant) =>
      products.map((product) => ({ tenant, ...product })),
    );
  }

  /** Place in `series` of the pulse's own. */
  seriesOf(pulse: number): number {
    return this.#draw(pulse, DRAWS.series) % this.series.length;
  }

  amountOf(pulse: number): AmountParts {
    return {
      whole: WHOLE_MIN + (this.#draw(pulse, DRAWS.whole) % WHOLE_COUNT),
      high: this.#draw(pulse, DRAWS.high) % BILLION,
      low: this.#draw(pulse, DRAWS.low) % BILLION,
    };
  }

  occurredAt(pulse: number): number {
    return Math.floor(this.#settings.occurredAt(pulse));
  }

  /** A UUIDv7 that carries the pulse's number. */
  idOf(pulse: number): string {
    const { x, z } = this.#settings.tag;
    return formatUuidV7({ time: this.occurredAt(pulse), x, y: pulse, z });
  }

  isSentTwice(pulse: number): boolean {
    return this.#draw(pulse, DRAWS.duplicate) < this.#settings.duplicates * WORDS;
  }

  /** 32 bits that look drawn, always the same for the same pulse. */
  #draw(pulse: number, draw: number): number {
    const own = avalanche((pulse + Math.imul(this.#settings.seed, 0x9e37_79b1)) >>> 0);
    return avalanche((own + Math.imul(draw, 0x85eb_ca77)) >>> 0);
  }
}

export function tenantNames(prefix: string, tenants: number): readonly string[] {
  return numbered(prefix, tenants);
}

function numbered(name: string, count: number): readonly string[] {
  return Array.from({ length: count }, (_, number) => `${name}-${number + 1}`);
}
