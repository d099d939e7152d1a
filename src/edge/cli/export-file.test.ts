/** Exports are read back by readers that are not ours: a JSON parser, a CSV parser of the test's own, a Parquet library. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { asyncBufferFromFile, parquetMetadataAsync, parquetReadObjects } from 'hyparquet';
import { keyOf, logged, NOON, units } from '../../../test/support/pulse-samples.ts';
import type { LoggedPulse } from '../../application/archive/read-archived-pulses.ts';
import type { LoggedVote } from '../../application/archive/read-archived-votes.ts';
import { PULSE_TABLE, VOTE_TABLE } from './archive-tables.ts';
import { exportFile, FILE_FORMATS } from './export-file.ts';

const AMOUNTS = ['-12.50', '0', '99999999999999999999.999999999999999999', '0.000000000000000001'];

function samples(count = AMOUNTS.length): readonly LoggedPulse[] {
  return Array.from({ length: count }, (_, n) => {
    const one = logged({
      id: `id "${n}", with\nmore`,
      amount: AMOUNTS[n % AMOUNTS.length] ?? '1',
      occurredAt: NOON + n,
      attributes: { região: `são-${n}` },
    });
    const { pulse } = one;
    return { key: keyOf(one), pulse, receivedAt: NOON + 60_000, partition: 3, offset: 2 ** 40 + n };
  });
}

async function* pagesOf<Row>(rows: readonly Row[], size: number) {
  for (let at = 0; at < rows.length; at += size) yield rows.slice(at, at + size);
}

describe('an export', () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'apura-export-'));
    path = join(folder, 'pulses');
  });

  afterEach(() => {
    rmSync(folder, { recursive: true });
  });

  test('of pulses as NDJSON has an object a line, with amounts as texts', async () => {
    const done = await exportFile(PULSE_TABLE, 'ndjson', pagesOf(samples(), 3), path);
    const text = readFileSync(path, 'utf8');
    expect(done).toEqual({ rows: 4, bytes: Buffer.byteLength(text) });
    const records = text
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(records[0]).toEqual({
      key: samples()[0]?.key,
      id: 'id "0", with\nmore',
      source: 'gateway',
      tenant: 'acme',
      product_sku: 'storage',
      used_amount: '-12.50',
      use_unity: 'GB',
      occurred_at: '2026-10-24T12:00:00.000Z',
      received_at: '2026-10-24T12:01:00.000Z',
      partition: 3,
      offset: 2 ** 40,
      attributes: { região: 'são-0' },
    });
    expect(records).toMatchObject(AMOUNTS.map((used_amount) => ({ used_amount })));
  });

  test('of pulses as CSV has a heading and every digit, also of what is negative', async () => {
    await exportFile(PULSE_TABLE, 'csv', pagesOf(samples(), 1), path);
    const text = readFileSync(path, 'utf8');
    expect(text.split('\r\n')[0]).toBe(
      'key,id,source,tenant,product_sku,used_amount,use_unity,occurred_at,received_at,partition,offset,attributes',
    );
    expect(text).toContain(
      `"id ""0"", with\nmore",gateway,acme,storage,-12.50,GB,2026-10-24T12:00:00.000Z,` +
        `2026-10-24T12:01:00.000Z,3,${2 ** 40},"{""região"":""são-0""}"\r\n`,
    );
    for (const amount of AMOUNTS) expect(text).toContain(`,${amount},GB,`);
  });

  test('of pulses as Parquet is read by another library, in several row groups, exact to the last digit', async () => {
    const pulses = samples(20_000);
    const done = await exportFile(PULSE_TABLE, 'parquet', pagesOf(pulses, 999), path);
    const file = await asyncBufferFromFile(path);
    expect(done).toEqual({ rows: 20_000, bytes: file.byteLength });
    const metadata = await parquetMetadataAsync(file);
    expect(metadata.row_groups.map((group) => group.num_rows)).toEqual([16_384n, 3_616n]);
    expect(metadata.schema.find(({ name }) => name === 'used_amount')).toMatchObject({
      type: 'FIXED_LEN_BYTE_ARRAY',
      converted_type: 'DECIMAL',
      precision: 38,
      scale: 18,
    });
    // The library makes floating points of decimals: their bytes are looked at instead.
    const schema = metadata.schema.map(({ converted_type, logical_type, ...element }) =>
      element.name === 'used_amount'
        ? element
        : {
            ...element,
            ...(converted_type && { converted_type }),
            ...(logical_type && { logical_type }),
          },
    );
    const rows = await parquetReadObjects({ file, metadata: { ...metadata, schema }, utf8: false });
    expect(rows).toHaveLength(20_000);
    for (const [n, row] of rows.entries()) {
      const { key = '', pulse } = pulses[n] ?? {};
      if (row.key !== key || signedOf(row.used_amount) !== units(pulse?.amount ?? '0')) {
        throw new Error(`Row ${n} differs: ${JSON.stringify(row, (_, value) => String(value))}`);
      }
    }
    expect(rows.at(-1)).toMatchObject({
      id: 'id "19999", with\nmore',
      source: 'gateway',
      tenant: 'acme',
      product_sku: 'storage',
      use_unity: 'GB',
      occurred_at: new Date(NOON + 19_999),
      received_at: new Date(NOON + 60_000),
      partition: 3,
      offset: 2n ** 40n + 19_999n,
      attributes: '{"região":"são-19999"}',
    });
  });

  test('of votes has the same in each format', async () => {
    const votes: readonly LoggedVote[] = (['valid', 'flagged'] as const).map((lane, n) => ({
      id: `0193512a7c00f3a09b1c4d5e6f70819${n}`,
      scope: 'final',
      item: `ana-${n}`,
      lane,
      acceptedAt: NOON + n,
      loggedAt: NOON + 7,
      partition: 511,
      offset: 2 ** 40 + n,
    }));
    await exportFile(VOTE_TABLE, 'ndjson', pagesOf(votes, 1), path);
    expect(readFileSync(path, 'utf8')).toBe(
      votes
        .map(
          ({ id, lane, offset }, n) =>
            `{"id":"${id}","poll":"final","option":"ana-${n}","lane":"${lane}",` +
            `"accepted_at":"2026-10-24T12:00:00.00${n}Z","logged_at":"2026-10-24T12:00:00.007Z",` +
            `"partition":511,"offset":${offset}}\n`,
        )
        .join(''),
    );
    await exportFile(VOTE_TABLE, 'csv', pagesOf(votes, 2), path);
    expect(readFileSync(path, 'utf8')).toBe(
      `id,poll,option,lane,accepted_at,logged_at,partition,offset\r\n${votes
        .map(
          ({ id, lane, offset }, n) =>
            `${id},final,ana-${n},${lane},2026-10-24T12:00:00.00${n}Z,2026-10-24T12:00:00.007Z,` +
            `511,${offset}\r\n`,
        )
        .join('')}`,
    );
    await exportFile(VOTE_TABLE, 'parquet', pagesOf(votes, 2), path);
    expect(await parquetReadObjects({ file: await asyncBufferFromFile(path) })).toEqual(
      votes.map(({ id, scope, item, lane, acceptedAt, loggedAt, partition, offset }) => ({
        ...{ id, poll: scope, option: item, lane, partition },
        accepted_at: new Date(acceptedAt),
        logged_at: new Date(loggedAt),
        offset: BigInt(offset),
      })),
    );
  });

  test.each(FILE_FORMATS)('as %s may be of nothing', async (format) => {
    expect(await exportFile(PULSE_TABLE, format, pagesOf([], 1), path)).toMatchObject({ rows: 0 });
    if (format === 'parquet') {
      expect(await parquetReadObjects({ file: await asyncBufferFromFile(path) })).toEqual([]);
    }
  });

  test.each(FILE_FORMATS)(
    'as %s leaves what was there where it fails, and nothing half',
    async (format) => {
      writeFileSync(path, 'the last one');
      const failing = async function* () {
        yield samples();
        throw new Error('the archive is away');
      };
      await expect(exportFile(PULSE_TABLE, format, failing(), path)).rejects.toThrow(
        'the archive is away',
      );
      expect(readFileSync(path, 'utf8')).toBe('the last one');
      expect(readdirSync(folder)).toEqual(['pulses']);
    },
  );

  test.each(['ndjson', 'csv'] as const)(
    'as %s reads no page before the last is written',
    async (format) => {
      const page = samples(100);
      let written = 0;
      const watching = async function* () {
        for (let n = 0; n < 20; n += 1) {
          const { size } = statSync(`${path}.partial`);
          if (n > 0) expect(size).toBeGreaterThan(written);
          written = size;
          yield page;
        }
      };
      expect(await exportFile(PULSE_TABLE, format, watching(), path)).toMatchObject({
        rows: 2_000,
      });
    },
  );
});

/** Two's complement, the highest byte first. */
function signedOf(bytes: unknown): bigint {
  if (!(bytes instanceof Uint8Array)) throw new Error('The amount is not bytes.');
  return BigInt.asIntN(128, BigInt(`0x${Buffer.from(bytes).toString('hex')}`));
}
