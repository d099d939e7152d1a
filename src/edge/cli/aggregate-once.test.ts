/** What one run of the aggregation tells, and when its exit code says that something is left. */
import { expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { type Aggregated, tellAggregated } from './aggregate-once.ts';

const DONE: Aggregated = {
  logId: 'abc',
  partitions: 12,
  owned: 12,
  counted: 1_234_567,
  duplicates: 2,
  conflicts: 1,
  usageRecords: 40,
  behindBefore: 2_500,
  behindAfter: 0,
  failed: 0,
  failures: [],
  stopped: false,
};

async function told(change: Partial<Aggregated> = {}) {
  const io = recordingIo();
  const exitCode = await tellAggregated({ ...DONE, ...change }, io);
  return { exitCode, out: io.out, err: io.err };
}

test('a whole run tells what it did, and ends with 0', async () => {
  expect(await told()).toEqual({
    exitCode: 0,
    out:
      'One run over 12 of 12 partitions (log abc).\n' +
      '  pulses         1,234,567 counted, 2 duplicates, 1 conflicts\n' +
      '  usage records  40 sent\n' +
      '  blocks behind  2,500 before, 0 after\n',
    err: '',
  });
});

test('partitions that failed are told with the reasons, and end with 1', async () => {
  const { exitCode, out, err } = await told({
    failed: 1,
    failures: ['Partition 3: trimmed.'],
    behindAfter: null,
  });
  expect(exitCode).toBe(1);
  expect(out).toContain('2,500 before, unknown after');
  expect(err).toBe('Partition 3: trimmed.\n1 of 12 partitions failed; the next run tries again.\n');
});

test('a share of the partitions is said to be one', async () => {
  const { exitCode, out } = await told({ owned: 5 });
  expect(exitCode).toBe(0);
  expect(out).toContain('5 of 12 partitions (log abc); other processes have the rest.');
});

test('a run that was told to stop does not pass for a whole one', async () => {
  const { exitCode, err } = await told({ stopped: true });
  expect([exitCode, err]).toEqual([1, 'Told to stop before the end.\n']);
});
