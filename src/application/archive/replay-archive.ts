/** Brings a range of forgotten pulses back into the ledger from the archive, page by page. */
import type { PulseBlock } from '../../domain/counting/block.ts';
import { decodePulses, type PulseBlockAt } from '../../domain/metering/pulse-columns.ts';
import { varintLength, writeVarint } from '../../domain/metering/wire-varint.ts';
import type { Archive, ArchivedEvent } from '../../ports/archive.ts';
import type { PulseColumns, PulseLedger } from '../../ports/pulse-ledger.ts';
import type { ArchiveRange } from './read-archived.ts';

export interface ReplayDeps {
  readonly archive: Pick<Archive, 'read'>;
  readonly ledger: Pick<PulseLedger, 'restore'>;
}

/** read = restored + leftAlone + unreadable. */
export interface ReplayCounts {
  readonly read: number;
  readonly restored: number;
  /** Held by the ledger already, a further copy of one that is, or a pulse that it never counted. */
  readonly leftAlone: number;
  /** No pulses by today's rules. */
  readonly unreadable: number;
}

export interface ReplayReport extends ReplayCounts {
  /** Of each partition that the range has pulses of. */
  readonly partitions: ReadonlyMap<number, ReplayCounts>;
}

const NOTHING: ReplayCounts = { read: 0, restored: 0, leftAlone: 0, unreadable: 0 };

/**
 * Idempotent: what fails in between is simply done again. Usage is not touched: it never left.
 *
 * @param onPage told after each page how far it has got.
 * @throws ApuraError `store_unavailable`, `store_corrupt`: as archive and ledger do.
 */
export async function replayArchive(
  { archive, ledger }: ReplayDeps,
  { logId, from, to }: ArchiveRange,
  onPage: (soFar: ReplayCounts) => void,
): Promise<ReplayReport> {
  const partitions = new Map<number, ReplayCounts>();
  let total = NOTHING;
  for await (const page of archive.read(logId, from, to)) {
    for (const [partition, pulses] of Map.groupBy(page, (pulse) => pulse.partition)) {
      const columns = columnsOfArchived(pulses);
      const restored = await ledger.restore(partition, columns);
      const counts: ReplayCounts = {
        read: pulses.length,
        restored,
        leftAlone: columns.count - restored,
        unreadable: pulses.length - columns.count,
      };
      partitions.set(partition, sum(partitions.get(partition) ?? NOTHING, counts));
      total = sum(total, counts);
    }
    onPage(total);
  }
  return { ...total, partitions };
}

function sum(left: ReplayCounts, right: ReplayCounts): ReplayCounts {
  return {
    read: left.read + right.read,
    restored: left.restored + right.restored,
    leftAlone: left.leftAlone + right.leftAlone,
    unreadable: left.unreadable + right.unreadable,
  };
}

/**
 * Pulses of one partition as the ledger takes them; what is no pulse by today's rules is left out. Keys
 * and digests are those that the ledger has counted them under.
 */
function columnsOfArchived(pulses: readonly ArchivedEvent[]): PulseColumns {
  // A block each, numbered by its place: so each failure says whose it is.
  const blocks = pulses.map((pulse, offset): PulseBlockAt => ({ offset, block: blockOf(pulse) }));
  const { columns, failures } = decodePulses(blocks);
  const failed = new Set(failures.map(({ offset }) => offset));
  const sound = pulses.filter((_, at) => !failed.has(at));
  return {
    ...columns,
    keys: Buffer.from(sound.map(({ key }) => key).join(''), 'hex'),
    digests: Buffer.from(sound.map(({ digest }) => digest).join(''), 'hex'),
    offset: Float64Array.from(sound, ({ offset }) => offset),
  };
}

function blockOf({ bytes, partition, receivedAt }: ArchivedEvent): PulseBlock {
  const payload = new Uint8Array(varintLength(bytes.length) + bytes.length);
  payload.set(bytes, writeVarint(payload, 0, bytes.length));
  const writer = { writerId: 0n, sequence: 0, crc: 0 };
  return { kind: 'pulses', ...writer, partition, blockTime: receivedAt, count: 1, payload };
}
