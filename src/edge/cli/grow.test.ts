/** What `apura grow` takes, and what it tells an operator to do. */
import { expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { ApuraError } from '../../domain/errors.ts';
import { type Grow, runGrow } from './grow.ts';

const PLACES = [{ flag: 'log', variable: 'APURA_LOG', help: 'the log', placeholder: 'URL' }];
const grown: Grow = async (_settings, partitions) => ({
  logId: 'abc',
  partitions,
  logs: 2,
  before: 6,
  durability: 'replicated',
});

test('grows by the number of partitions that was asked for, and says in which order to restart', async () => {
  const asked: unknown[] = [];
  const io = recordingIo();
  const argv = ['--partitions', '12', '--log', 'kafka://h/t'];
  const code = await runGrow(argv, io, PLACES, 511, (settings, partitions) => {
    asked.push(settings, partitions);
    return grown(settings, partitions);
  });
  expect(code).toBe(0);
  expect(asked).toEqual([{ APURA_LOG: 'kafka://h/t' }, 12]);
  expect(io.out).toContain('The log abc is made: 12 partitions (the newest had 6)');
  const order = ['ingest, tally and ledger', 'sync', 'query'].map((role) => io.out.indexOf(role));
  expect(order.every((at, index) => at > (order[index - 1] ?? 0))).toBe(true);
});

test.each([
  [[], '--partitions says how many'],
  [['--partitions', '0'], 'must lie between 1 and 511'],
  [['--partitions', '512'], 'must lie between 1 and 511'],
  [['--partitions', 'many'], 'must be a whole number'],
])('makes no log for %p', async (argv: string[], words: string) => {
  const io = recordingIo();
  const never = (): never => {
    throw new Error('It was called.');
  };
  expect(await runGrow(argv, io, PLACES, 511, never)).toBe(2);
  expect(io.err).toContain(words);
});

test('says why no log could be made', async () => {
  const io = recordingIo();
  const argv = ['--partitions', '12'];
  const code = await runGrow(argv, io, PLACES, 511, () => {
    throw new ApuraError('log_unavailable', 'No broker answers.');
  });
  expect([code, io.err]).toEqual([1, 'log_unavailable: No broker answers.\n']);
});
