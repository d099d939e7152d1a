/** A range of an archive in memory, brought back and written to files as the commands do. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { event, sealEvents } from '../../test/support/blocks.ts';
import { columnsOf, logged, NOON, pulseStep } from '../../test/support/pulse-samples.ts';
import { MemoryArchive, MemoryArchiveContent } from '../adapters/memory/archive.ts';
import { MemoryCatalogue, MemoryCatalogueStore } from '../adapters/memory/catalogue.ts';
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../adapters/memory/metering-catalogue.ts';
import { MemoryPulseLedger, MemoryPulseStore } from '../adapters/memory/pulse-ledger.ts';
import { archivableVotes } from '../application/archive/archive-decoder.ts';
import { decodeBlock } from '../domain/counting/block.ts';
import { eventIdHex } from '../domain/counting/event-id.ts';
import { exportRange, replayRange } from './archive-range.ts';
import { meteringPlaces } from './metering/logs-apart.ts';
import { newLogSettings } from './new-log.ts';

const PARTITIONS = 12;
const HOUR_MS = 3_600_000;
const PULSES = { kind: 'pulses' } as const;
const WHOLE = { from: NOON, to: NOON + 4 * HOUR_MS, partitions: PARTITIONS };

/** Gives one pulse a page. */
function inSmallPages(content: MemoryArchiveContent): MemoryArchive {
  const archive = new MemoryArchive(content);
  const read = archive.read.bind(archive);
  archive.read = async function* (...range) {
    for await (const page of read(...range)) {
      for (const pulse of page) yield [pulse];
    }
  };
  return archive;
}

/** An archive of four pulses, an hour apart, and a ledger that has counted and forgotten them. */
async function room() {
  const catalogue = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  const { pulses: place } = await meteringPlaces(catalogue, PARTITIONS);
  const { logId } = place.settings;
  const store = new MemoryPulseStore(logId);
  const content = new MemoryArchiveContent();
  const votes = new MemoryCatalogueStore();
  const engines = {
    catalogue: async () => new MemoryCatalogue(votes),
    meteringCatalogue: async () => catalogue,
    archive: async () => inSmallPages(content),
    pulseLedger: async (asked: string) => new MemoryPulseLedger(store, asked),
  };
  const pulses = [0, 1, 2, 3].map((hour) =>
    logged({ id: `p${hour}`, amount: '1', occurredAt: NOON + hour * HOUR_MS }),
  );
  const ledger = new MemoryPulseLedger(store);
  const { epoch } = await ledger.takeOver(0);
  await ledger.commit(pulseStep(pulses, { epoch }));
  await new MemoryArchive(content).put(logId, 0, columnsOf(pulses));
  await ledger.forget(NOON, NOON + 4 * HOUR_MS);
  return { engines, content, logId, votes };
}

describe('a range of the archive', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'apura-range-'));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  test('is brought back into the ledger of the installation’s log, once', async () => {
    const { engines } = await room();
    const pages: number[] = [];
    const part = { ...WHOLE, to: NOON + 2 * HOUR_MS };
    const first = await replayRange(engines, part, ({ read }) => pages.push(read));
    expect(first).toMatchObject({ read: 2, restored: 2, leftAlone: 0, unreadable: 0 });
    expect(pages).toEqual([1, 2]);
    const again = await replayRange(engines, WHOLE, () => {});
    expect(again).toMatchObject({ read: 4, restored: 2, leftAlone: 2 });
  });

  test('is written to a file, and told page by page', async () => {
    const { engines } = await room();
    const path = join(folder, 'pulses.ndjson');
    const pages: number[] = [];
    const target = {
      ...WHOLE,
      from: NOON + HOUR_MS,
      what: PULSES,
      format: 'ndjson',
      path,
    } as const;
    const written = await exportRange(engines, target, (read) => pages.push(read));
    const text = readFileSync(path, 'utf8');
    const ids = text
      .trimEnd()
      .split('\n')
      .map((line) => (JSON.parse(line) as { id: string }).id);
    expect(ids).toEqual(['p1', 'p2', 'p3']);
    expect(written).toEqual({ rows: 3, bytes: Buffer.byteLength(text), unreadable: 0 });
    expect(pages).toEqual([1, 2, 3]);
  });

  test('of votes is that of every log of votes, or of one poll, and has no pulses', async () => {
    const { engines, content, votes } = await room();
    const logs = [newLogSettings(1), newLogSettings(2)];
    votes.logs.push(...logs);
    for (const [n, { logId }] of logs.entries()) {
      const cast = ['final', 'semifinal'].map((scope, at) =>
        event(10 * n + at, { scope, acceptedAt: NOON + at * HOUR_MS }),
      );
      const block = decodeBlock(sealEvents(cast, NOON + HOUR_MS));
      const { columns } = archivableVotes([{ offset: n, block }]);
      await new MemoryArchive(content).put(logId, 0, columns);
    }
    const path = join(folder, 'votes.ndjson');
    const exported = async (poll: string | null, to = WHOLE.to) => {
      const what = { kind: 'votes', poll } as const;
      const target = { ...WHOLE, to, what, format: 'ndjson', path } as const;
      const { rows, unreadable } = await exportRange(engines, target, () => {});
      const lines = readFileSync(path, 'utf8').split('\n').slice(0, -1);
      expect([rows, unreadable]).toEqual([lines.length, 0]);
      return lines.map((line) => (JSON.parse(line) as { id: string }).id);
    };
    const ids = (numbers: readonly number[]) => numbers.map((number) => idOf(number));
    expect(await exported(null)).toEqual(ids([0, 1, 10, 11]));
    expect(await exported(null, NOON + HOUR_MS)).toEqual(ids([0, 10]));
    expect(await exported('semifinal')).toEqual(ids([1, 11]));
    expect(await exported('nobody')).toEqual([]);
  });

  test('of votes is refused where there is no log of votes: most likely the wrong catalogue', async () => {
    const { engines } = await room();
    const what = { kind: 'votes', poll: null } as const;
    const path = join(folder, 'votes.csv');
    const broken = exportRange(engines, { ...WHOLE, what, format: 'csv', path }, () => {});
    await expect(broken).rejects.toMatchObject({ code: 'invalid_config' });
    expect(readdirSync(folder)).toEqual([]);
  });

  test('counts what is no pulse any more, and leaves it out', async () => {
    const { engines, content, logId } = await room();
    const bad = columnsOf([logged({ id: 'bad', amount: '1', occurredAt: NOON })], 9);
    bad.bytes.fill(0xff);
    await new MemoryArchive(content).put(logId, 0, bad);
    const target = {
      ...WHOLE,
      what: PULSES,
      format: 'csv',
      path: join(folder, 'pulses.csv'),
    } as const;
    expect(await exportRange(engines, target, () => {})).toMatchObject({
      rows: 4,
      unreadable: 1,
    });
  });

  test('leaves no file where whoever is told breaks off', async () => {
    const { engines } = await room();
    const target = {
      ...WHOLE,
      what: PULSES,
      format: 'csv',
      path: join(folder, 'pulses.csv'),
    } as const;
    const broken = exportRange(engines, target, () => {
      throw new Error('enough');
    });
    await expect(broken).rejects.toThrow('enough');
    expect(readdirSync(folder)).toEqual([]);
  });
});

/** Of the sample vote of this number: it was made when it was accepted. */
function idOf(number: number): string {
  return eventIdHex(event(number, { acceptedAt: NOON + (number % 10) * HOUR_MS }));
}
