/** A range of a ledger on Postgres is dropped and brought back from a real Cassandra that was killed while it was filled. */
import { expect, test } from 'bun:test';
import { openCassandraArchive } from '../../src/adapters/cassandra/archive.ts';
import { openPostgresPulseLedger } from '../../src/adapters/postgres/pulse-ledger.ts';
import { archivablePulses } from '../../src/application/archive/archive-decoder.ts';
import { ArchiveFollower } from '../../src/application/archive/archive-follower.ts';
import { ArchiveWorker } from '../../src/application/archive/archive-worker.ts';
import { replayArchive } from '../../src/application/archive/replay-archive.ts';
import { soleOwnership } from '../../src/application/counting/sole-ownership.ts';
import { decodeBlock } from '../../src/domain/counting/block.ts';
import { decodePulses, type PulseBlockAt } from '../../src/domain/metering/pulse-columns.ts';
import { foldUsage } from '../../src/domain/metering/usage-fold.ts';
import type { EventLog } from '../../src/ports/event-log.ts';
import type { PulseLedger } from '../../src/ports/pulse-ledger.ts';
import { LOG_ID } from '../../src/ports/store-under-test.ts';
import { archiveRoom } from '../support/archive-room.ts';
import { startCassandra } from '../support/cassandra-server.ts';
import { startPostgres } from '../support/postgres-server.ts';
import { HOUR_MS, logged, NOON, pulsesOf } from '../support/pulse-samples.ts';
import { checkpoint } from '../support/store-step-samples.ts';
import { waitUntil } from '../support/wait-until.ts';

const TIMEOUT_MS = 300_000;
const PARTITIONS = 2;
const BLOCKS = 40;
const PULSES = 50;
const PAGE = 1_000;
const STEP_BYTES_MAX = 8_000;
const [FROM, TO] = [NOON, NOON + 2 * HOUR_MS];
const EVERYTHING = {
  tenant: null,
  sku: null,
  unit: null,
  from: NOON - HOUR_MS,
  to: NOON + 4 * HOUR_MS,
};
const HOURS = [-1, 0, 1, 2, 3, 4].map((hour) => NOON + hour * HOUR_MS);

/** A block's pulses: over four hours, some repeated from the block before, one contradicting it. */
function blockOf(partition: number, block: number) {
  const own = Array.from({ length: PULSES }, (_, n) =>
    logged({
      id: `${partition}/${block}/${n}`,
      tenant: n % 2 === 0 ? 'acme' : 'umbrella',
      amount: `${n}.${String(block).padStart(3, '0')}`,
      occurredAt: NOON - HOUR_MS + ((n * 7 + block) % 16) * (HOUR_MS / 4),
    }),
  );
  if (block === 0) return own;
  const before = Array.from({ length: 3 }, (_, n) => {
    const tenant = n % 2 === 0 ? 'acme' : 'umbrella';
    const occurredAt = NOON - HOUR_MS + ((n * 7 + block - 1) % 16) * (HOUR_MS / 4);
    const amount = n === 2 ? '999' : `${n}.${String(block - 1).padStart(3, '0')}`;
    return logged({ id: `${partition}/${block - 1}/${n}`, tenant, amount, occurredAt });
  });
  return [...own, ...before];
}

/** One step of everything, as a worker of the ledger takes it. */
async function consume(log: EventLog, ledger: PulseLedger, partition: number): Promise<void> {
  const { epoch } = await ledger.takeOver(partition);
  const blocks: PulseBlockAt[] = [];
  for (const { offset, bytes } of await log.read(partition, 0, Number.MAX_SAFE_INTEGER)) {
    const block = decodeBlock(bytes);
    if (block.kind === 'pulses') blocks.push({ offset, block });
  }
  const { columns: pulses } = decodePulses(blocks);
  const totals = foldUsage(pulses);
  await ledger.commit({
    ...{ partition, epoch, from: 0, checkpoint: checkpoint(blocks.length) },
    ...{ pulses, totals, acts: [], deadLetters: [] },
  });
}

test(
  'what the ledger forgot of a range comes back from an archive whose server was killed, with equal sums',
  async () => {
    await using server = await startCassandra();
    await using archive = await openCassandraArchive({
      url: server.url('apura'),
      requestTimeoutMs: 3_000,
    });
    const { log, append } = archiveRoom(PARTITIONS);
    await using postgres = await startPostgres();
    await using ledger = await openPostgresPulseLedger({ url: postgres.url, logId: LOG_ID });
    let archived = 0;
    let troubles = 0;
    const worker = new ArchiveWorker({
      log,
      ownership: soleOwnership(PARTITIONS),
      follower: (partition) =>
        new ArchiveFollower({
          ...{ log, archive, partition },
          ...{ decode: archivablePulses, stepBytesMax: STEP_BYTES_MAX },
        }),
      stepBytesMax: STEP_BYTES_MAX,
      pauseMs: 0,
      sleep: async () => Bun.sleep(100),
      onPosition: (_, nextOffset) => {
        archived = Math.max(archived, nextOffset);
      },
      onTrouble: () => {
        troubles += 1;
      },
      onHalted: (_, error) => {
        throw error;
      },
    });
    const stop = new AbortController();
    const working = worker.run(stop.signal);
    for (let block = 0; block < BLOCKS; block += 1) {
      for (let partition = 0; partition < PARTITIONS; partition += 1) {
        await append(partition, blockOf(partition, block));
      }
      if (block === BLOCKS / 2) {
        await waitUntil('some is archived', () => archived > 5);
        await server.kill();
      }
    }
    await waitUntil('the archive is missed', () => troubles > 0);
    await server.start();
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      await consume(log, ledger, partition);
      const position = () => archive.position(LOG_ID, partition);
      await waitUntil('all is archived', async () => (await position()) === BLOCKS);
    }
    stop.abort();
    await working;

    const held = await pulsesOf(ledger, { tenant: null }, PAGE);
    const usage = await ledger.usage(EVERYTHING, HOURS, 9_999);
    expect(held).toHaveLength(PARTITIONS * BLOCKS * PULSES);
    const forgotten = await ledger.forget(FROM, TO);
    expect(forgotten).toBe(held.filter(({ pulse }) => isInRange(pulse.occurredAt)).length);

    const range = { logId: LOG_ID, from: FROM, to: TO };
    const report = await replayArchive({ archive, ledger }, range, () => {});
    expect(report).toMatchObject({ restored: forgotten, unreadable: 0 });
    expect(report.leftAlone).toBeGreaterThan(0);
    const facts = ({ key, pulse, amount, state, offset }: (typeof held)[number]) => {
      return { key, pulse, amount, state, offset };
    };
    expect((await pulsesOf(ledger, { tenant: null }, PAGE)).map(facts)).toEqual(held.map(facts));
    expect(await ledger.usage(EVERYTHING, HOURS, 9_999)).toEqual(usage);
    for (let partition = 0; partition < PARTITIONS; partition += 1) {
      expect(await ledger.recompute(partition, EVERYTHING.from, EVERYTHING.to)).toEqual([]);
    }
    expect(await replayArchive({ archive, ledger }, range, () => {})).toMatchObject({
      restored: 0,
    });
  },
  TIMEOUT_MS,
);

function isInRange(occurredAt: number): boolean {
  return occurredAt >= FROM && occurredAt < TO;
}
