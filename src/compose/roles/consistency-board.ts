/** What sync last said of every log, read from the catalogue once a second and kept for whoever asks. */
import type { ConsistencyReport } from '../../edge/http/api-deps.ts';
import type { Catalogue, ConsistencyRecord } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';

/** Older words than this say nothing of now: five of sync's rounds. */
const SILENT_MS = 10_000;

export class ConsistencyBoard {
  readonly #catalogue: Pick<Catalogue, 'consistency'>;
  readonly #clock: Clock;
  readonly #logs: readonly string[];
  readonly #records = new Map<string, ConsistencyRecord>();

  constructor(catalogue: Pick<Catalogue, 'consistency'>, clock: Clock, logs: readonly string[]) {
    this.#catalogue = catalogue;
    this.#clock = clock;
    this.#logs = logs;
  }

  /** @throws whatever the catalogue throws; what was read last stands until it is too old. */
  async refresh(): Promise<void> {
    for (const logId of this.#logs) {
      const record = await this.#catalogue.consistency(logId);
      if (record !== null) this.#records.set(logId, record);
    }
  }

  /** The newest words on all logs together; positions are those of the newest log. */
  get newest(): ConsistencyReport {
    const records = this.#logs.flatMap((logId) => this.#records.get(logId) ?? []);
    const now = this.#clock.now();
    const silent = this.#logs.filter((logId) => {
      const record = this.#records.get(logId);
      return record === undefined || now - record.reportedAt > SILENT_MS;
    });
    const different = records.find(({ state }) => state === 'different');
    const checking = records.find(({ state }) => state === 'checking');
    const checked = records.map(({ checkedAt }) => checkedAt);
    const partitions = records.at(-1)?.partitions ?? [];
    const silence =
      silent.length === 0 ? null : `Sync has said nothing of log ${silent.join(', ')} lately.`;
    return {
      state:
        different !== undefined ? 'different' : checking || silence ? 'checking' : 'consistent',
      checkedAt:
        checked.includes(null) || checked.length === 0 ? null : Math.min(...checked.map(Number)),
      detail: different?.detail ?? silence ?? checking?.detail ?? null,
      alarms: [...(silence === null ? [] : [silence]), ...records.flatMap(({ alarms }) => alarms)],
      drained:
        silence === null &&
        records.every((record) =>
          record.partitions.every(({ end, tally, ledger }) => tally === end && ledger === end),
        ),
      logEnd: partitions.map(({ partition, end }) => ({ partition, end })),
      tally: partitions.map(({ partition, tally }) => ({ partition, next: tally })),
      ledger: partitions.map(({ partition, ledger }) => ({ partition, next: ledger })),
    };
  }

  /** Differences found, over all logs. */
  get differences(): number {
    return [...this.#records.values()].reduce((sum, { differences }) => sum + differences, 0);
  }

  /** Where log and stores stand, of the newest log. */
  get partitions(): ConsistencyRecord['partitions'] {
    return this.#records.get(this.#logs.at(-1) ?? '')?.partitions ?? [];
  }
}
