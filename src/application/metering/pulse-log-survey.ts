/**
 * A first look through the log of pulses before an audit folds it: how many pulses there are, in which
 * usage windows they may lie, which acts there are and what can't be read.
 */
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { type LoggedAct, readPulseLog, type UnreadableBytes } from './pulse-log-part.ts';

/** Above the number of any usage window up to the year 9999. */
const WINDOWS = 2 ** 29;

interface PartitionSurvey {
  nextOffset: number;
  lastBlockCrc: number;
  pulses: number;
  readonly acts: LoggedAct[];
  /** Where something can't be read, an offset each; and its id as a dead letter. */
  readonly unreadable: { readonly offset: number; readonly id: string }[];
}

export interface PulseLogSurveyDeps {
  readonly log: Pick<EventLog, 'read' | 'bounds'>;
  readonly letterId: (bytes: UnreadableBytes['bytes']) => string;
  readonly onProgress: (partition: number, offset: number, end: number) => void;
}

export class PulseLogSurvey {
  readonly #deps: PulseLogSurveyDeps;
  readonly #partitions = new Map<number, PartitionSurvey>();
  readonly #series = new Map<string, number>();
  /** By tenant: each window of each series, as `series * WINDOWS + window`. */
  readonly #windows = new Map<string, Set<number>>();

  constructor(deps: PulseLogSurveyDeps) {
    this.#deps = deps;
  }

  get tenants(): readonly string[] {
    return [...this.#windows.keys()];
  }

  of(partition: number): Readonly<PartitionSurvey> {
    const known = this.#partitions.get(partition);
    if (known !== undefined) return known;
    const none = { nextOffset: 0, lastBlockCrc: 0, pulses: 0, acts: [], unreadable: [] };
    this.#partitions.set(partition, none);
    return none;
  }

  /** Windows of all series of a tenant. */
  windowsOf(tenant: string): number {
    return this.#windows.get(tenant)?.size ?? 0;
  }

  /** Where a tenant's windows start, ascending. */
  startsOf(tenant: string): readonly number[] {
    const places = [...(this.#windows.get(tenant) ?? [])].map((place) => place % WINDOWS);
    return [...new Set(places)].sort((a, b) => a - b).map((place) => place * USAGE_WINDOW_MS);
  }

  /** Looks on to `offset`. @throws ApuraError `log_rewound`: the log ends before it. Or as EventLog.read. */
  async upTo(partition: number, offset: number): Promise<void> {
    const { log, letterId, onProgress } = this.#deps;
    const survey = this.of(partition) as PartitionSurvey;
    for await (const part of readPulseLog(log, partition, survey.nextOffset, offset)) {
      survey.nextOffset = part.nextOffset;
      survey.lastBlockCrc = part.lastBlockCrc;
      survey.pulses += part.pulses.count;
      survey.acts.push(...part.acts);
      for (const { offset: at, bytes } of part.unreadable) {
        survey.unreadable.push({ offset: at, id: letterId(bytes) });
      }
      const { count, series, seriesIndex, occurredAt } = part.pulses;
      const lanes = series.map(({ tenant, sku, unit }) => {
        const name = JSON.stringify([tenant, sku, unit]);
        const number = this.#series.get(name) ?? this.#series.size;
        this.#series.set(name, number);
        const windows = this.#windows.get(tenant) ?? new Set<number>();
        this.#windows.set(tenant, windows);
        return { number, windows };
      });
      for (let index = 0; index < count; index += 1) {
        const lane = lanes[seriesIndex[index] as number];
        const window = Math.floor((occurredAt[index] as number) / USAGE_WINDOW_MS);
        lane?.windows.add(lane.number * WINDOWS + window);
      }
      onProgress(partition, part.nextOffset, offset);
    }
  }
}
