/** The newest word on whether log, tally and ledger agree: what sync leaves for all who are asked. */
import { StrictJson } from '../strict-json.ts';

const CONSISTENCY_STATES = ['consistent', 'different', 'checking'] as const;

/** How far log and stores have got in one partition: next offsets. */
export interface PartitionPositions {
  readonly partition: number;
  /** One past the log's last block. */
  readonly end: number;
  readonly tally: number;
  readonly ledger: number;
}

export interface ConsistencyRecord {
  readonly logId: string;
  /** `checking`: no comparison has come to an end yet, or stores could not be asked. */
  readonly state: (typeof CONSISTENCY_STATES)[number];
  /** When the newest comparison of all partitions came to its end, ms since the Unix epoch; null: none did. */
  readonly checkedAt: number | null;
  /** When this was written, ms since the Unix epoch. */
  readonly reportedAt: number;
  /** What differs, in a few words; null where nothing does. */
  readonly detail: string | null;
  /** How many counts and books differ. */
  readonly differences: number;
  /** Those that could be asked. */
  readonly partitions: readonly PartitionPositions[];
  /** What an operator must know of, each in a sentence. */
  readonly alarms: readonly string[];
}

const PARTITIONS_MAX = 4_096;
const ALARMS_MAX = 1_000;

export function encodeConsistency(record: ConsistencyRecord): string {
  return JSON.stringify(record);
}

/** @throws ApuraError `store_corrupt`: the text is not a record that was encoded here. */
export function decodeConsistency(text: string): ConsistencyRecord {
  const record = StrictJson.parse(text, 'consistency', 'store_corrupt').object([
    'logId',
    'state',
    'checkedAt',
    'reportedAt',
    'detail',
    'differences',
    'partitions',
    'alarms',
  ]);
  return {
    logId: record.logId.text((id) => id.length > 0),
    state: record.state.oneOf(CONSISTENCY_STATES),
    checkedAt: record.checkedAt.orNull((at) => at.whole(0)),
    reportedAt: record.reportedAt.whole(0),
    detail: record.detail.orNull((detail) => detail.text(() => true)),
    differences: record.differences.whole(0),
    partitions: record.partitions.list(0, PARTITIONS_MAX).map(decodePositions),
    alarms: record.alarms.list(0, ALARMS_MAX).map((alarm) => alarm.text(() => true)),
  };
}

function decodePositions(value: StrictJson): PartitionPositions {
  const { partition, end, tally, ledger } = value.object(['partition', 'end', 'tally', 'ledger']);
  return {
    partition: partition.whole(0),
    end: end.whole(0),
    tally: tally.whole(0),
    ledger: ledger.whole(0),
  };
}
