/**
 * What sync last said of every log, read from the catalogue once a second and kept for whoever asks.
 * Sync's words are seconds old: where a log ends is asked of the log itself, so that nobody is told that
 * all is counted who has just logged more.
 */
import type { ConsistencyReport } from '../../edge/http/api-deps.ts';
import type { Catalogue, ConsistencyRecord } from '../../ports/catalogue.ts';
import type { Clock } from '../../ports/clock.ts';
import type { EventLog } from '../../ports/event-log.ts';

/** Older words than this say nothing of now: five of sync's rounds. */
const SILENT_MS = 10_000;

/** One log of the installation, as far as the board needs it. */
export interface ComparedLog {
  readonly logId: string;
  readonly partitions: number;
  readonly log: Pick<EventLog, 'bounds'>;
}

type Ends = ConsistencyReport['logEnd'];

export class ConsistencyBoard {
  readonly #catalogue: Pick<Catalogue, 'consistency'>;
  readonly #clock: Clock;
  readonly #logs: readonly ComparedLog[];
  readonly #records = new Map<string, ConsistencyRecord>();

  /** `logs`, oldest first. */
  constructor(
    catalogue: Pick<Catalogue, 'consistency'>,
    clock: Clock,
    logs: readonly ComparedLog[],
  ) {
    this.#catalogue = catalogue;
    this.#clock = clock;
    this.#logs = logs;
  }

  /** @throws whatever the catalogue throws; what was read last stands until it is too old. */
  async refresh(): Promise<void> {
    for (const { logId } of this.#logs) {
      const record = await this.#catalogue.consistency(logId);
      if (record !== null) this.#records.set(logId, record);
    }
  }

  /** The newest words on all logs together. */
  get newest(): Pick<ConsistencyReport, 'state' | 'checkedAt' | 'detail' | 'alarms'> {
    const records = this.#logs.flatMap(({ logId }) => this.#records.get(logId) ?? []);
    const now = this.#clock.now();
    const silent = this.#logs.filter(({ logId }) => {
      const record = this.#records.get(logId);
      return record === undefined || now - record.reportedAt > SILENT_MS;
    });
    const different = records.find(({ state }) => state === 'different');
    const checking = records.find(({ state }) => state === 'checking');
    const checked = records.map(({ checkedAt }) => checkedAt);
    const names = silent.map(({ logId }) => logId).join(', ');
    const silence = silent.length === 0 ? null : `Sync has said nothing of log ${names} lately.`;
    return {
      state:
        different !== undefined ? 'different' : checking || silence ? 'checking' : 'consistent',
      checkedAt:
        checked.includes(null) || checked.length === 0 ? null : Math.min(...checked.map(Number)),
      detail: different?.detail ?? silence ?? checking?.detail ?? null,
      alarms: [...(silence === null ? [] : [silence]), ...records.flatMap(({ alarms }) => alarms)],
    };
  }

  /**
   * The newest words, held against the ends of all logs as they are now. Stores only go on from where
   * sync saw them, so that `drained` comes late, but is true.
   *
   * @throws whatever the logs throw.
   */
  async report(): Promise<ConsistencyReport> {
    const ends = await Promise.all(this.#logs.map(endsOf));
    const drained = this.#logs.every(({ logId }, index) =>
      hasCounted(this.#records.get(logId)?.partitions ?? [], ends[index] ?? []),
    );
    return {
      ...this.newest,
      drained,
      logEnd: ends.flat(),
      tally: this.#seen(({ tally }) => tally),
      ledger: this.#seen(({ ledger }) => ledger),
    };
  }

  /** Where sync saw a store last, in every log. */
  #seen(of: (seen: ConsistencyRecord['partitions'][number]) => number): ConsistencyReport['tally'] {
    return this.#logs.flatMap(({ logId }) => {
      const seen = this.#records.get(logId)?.partitions ?? [];
      return seen.map((one) => ({ log: logId, partition: one.partition, next: of(one) }));
    });
  }

  /** Differences found, over all logs. */
  get differences(): number {
    return [...this.#records.values()].reduce((sum, { differences }) => sum + differences, 0);
  }

  /** Where log and stores stood when sync saw them last, of the newest log. */
  get partitions(): ConsistencyRecord['partitions'] {
    return this.#records.get(this.#logs.at(-1)?.logId ?? '')?.partitions ?? [];
  }
}

async function endsOf({ logId, log, partitions }: ComparedLog): Promise<Ends> {
  const numbers = Array.from({ length: partitions }, (_, partition) => partition);
  return Promise.all(
    numbers.map(async (partition) => ({
      log: logId,
      partition,
      end: (await log.bounds(partition)).end,
    })),
  );
}

function hasCounted(seen: ConsistencyRecord['partitions'], ends: Ends): boolean {
  return ends.every(({ partition, end }) => {
    const stores = seen.find((one) => one.partition === partition);
    return stores !== undefined && stores.tally >= end && stores.ledger >= end;
  });
}
