/** The server's side of a balance sheet of pulses: usage of every series, and what became of one pulse. */

import { ApuraError } from '../../../domain/errors.ts';
import { parseAmount } from '../../../domain/metering/amount.ts';
import type { UsageSeries } from '../../../domain/metering/pulse.ts';
import type { Json, OperatorApi } from '../operator-api.ts';
import { LOAD_SOURCE } from './pulse-plan.ts';

export interface Usage {
  /** In whole numbers of 10^-AMOUNT_SCALE. */
  readonly sum: bigint;
  readonly count: number;
}

export const NO_USAGE: Usage = { sum: 0n, count: 0 };

export interface UsageSeen {
  /** Everything that was received up to here is in it, ms since the Unix epoch. */
  readonly asOf: number;
  /** By `seriesName`. */
  readonly series: ReadonlyMap<string, Usage>;
}

/** `[from, to)` in ms since the Unix epoch, whole usage windows. */
export interface UsageSpan {
  readonly from: number;
  readonly to: number;
}

export class UsageBooks {
  readonly #api: OperatorApi;
  /** Null: the one of the API key, whatever its name. */
  readonly #tenants: readonly string[] | null;

  constructor(api: OperatorApi, tenants: readonly string[] | null) {
    this.#api = api;
    this.#tenants = tenants;
  }

  /** The name by which usage of the series is found. */
  nameOf({ tenant, sku, unit }: UsageSeries): string {
    return this.#tenants === null ? `${sku} (${unit})` : `${tenant} ${sku} (${unit})`;
  }

  /** Usage now. @throws ApuraError the server's code, or `server_unreachable`. */
  async read(span: UsageSpan): Promise<UsageSeen> {
    const series = new Map<string, Usage>();
    let asOf = Number.POSITIVE_INFINITY;
    for (const tenant of this.#tenants ?? [null]) {
      const answer = await this.#api.get(`/v1/usage?${questionOf(span, tenant)}`);
      asOf = Math.min(asOf, instantIn(answer));
      for (const row of listIn(answer)) {
        const { unit, value, count } = row;
        const dimensions = (row.dimensions ?? {}) as Json;
        const name = this.nameOf({
          tenant: String(dimensions.tenant),
          sku: String(dimensions.sku),
          unit: String(unit),
        });
        const { sum, count: counted } = series.get(name) ?? NO_USAGE;
        const amount = parseAmount(String(value));
        if (amount === null) throw unexpected(`has the amount ${String(value)}`);
        series.set(name, { sum: sum + amount, count: counted + Number(count) });
      }
    }
    return { asOf, series };
  }

  /**
   * Whether the ledger has taken the pulse for usage; false also where it does not know it, or not yet.
   *
   * @throws ApuraError as `read` does.
   */
  async hasCounted(tenant: string, id: string): Promise<boolean> {
    const query = new URLSearchParams({ source: LOAD_SOURCE });
    if (this.#tenants !== null) query.set('tenant', tenant);
    try {
      const pulse = await this.#api.get(`/v1/pulses/${encodeURIComponent(id)}?${query}`);
      return COUNTED.has(String(pulse.state));
    } catch (error) {
      if (error instanceof ApuraError && NOT_KNOWN.has(error.code)) return false;
      throw error;
    }
  }
}

/** States of a pulse whose amount is in usage. */
const COUNTED: ReadonlySet<string> = new Set(['counted']);
const NOT_KNOWN: ReadonlySet<string> = new Set(['not_found', 'pulse_not_found']);

function questionOf({ from, to }: UsageSpan, tenant: string | null): URLSearchParams {
  return new URLSearchParams({
    ...(tenant === null ? {} : { tenant }),
    from: new Date(from).toISOString(),
    to: new Date(to).toISOString(),
    granularity: 'P1D',
    group_by: 'tenant,sku,unit',
  });
}

function instantIn(answer: Json): number {
  const asOf = Date.parse(String(answer.as_of));
  if (Number.isNaN(asOf)) throw unexpected('has no as_of');
  return asOf;
}

function listIn(answer: Json): readonly Json[] {
  if (Array.isArray(answer.data)) return answer.data as readonly Json[];
  throw unexpected('has no list "data"');
}

function unexpected(what: string): ApuraError {
  return new ApuraError('server_unreachable', `GET /v1/usage ${what}. Is this Apura?`);
}
