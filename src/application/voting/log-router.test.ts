import { expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import type { ApuraError } from '../../domain/errors.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { PollRecord } from '../../domain/voting/poll-record.ts';
import { PollDirectories } from './log-router.ts';

const record = (fields: Partial<Poll>): PollRecord => ({
  type: 'poll',
  effectiveAt: 0,
  poll: samplePoll(fields),
});

function directories() {
  const refused: ApuraError[] = [];
  const all = new PollDirectories(['old', 'new'], (error) => refused.push(error));
  return { all, refused };
}

test('polls of several logs are read as those of one', () => {
  const { all, refused } = directories();
  const heard: string[] = [];
  const subscription = all.subscribe(({ poll }) => heard.push(poll.id));
  all.of('old').apply(record({ id: 'a', log: 'old', createdAt: 1 }));
  all
    .of('new')
    .apply(record({ id: 'b', log: 'new', createdAt: 3, state: 'scheduled', opensAt: 5 }));
  // Made before polls said in which log they stand: that was the first one.
  all.of('old').apply(record({ id: 'c', log: '', createdAt: 2 }));
  subscription[Symbol.dispose]();
  all.of('new').apply(record({ id: 'b', log: 'new', createdAt: 3, version: 2, title: 'Two' }));

  expect(all.stored('a', 9)?.id).toBe('a');
  expect(all.stored('b', 9)?.title).toBe('Two');
  expect(all.shown('c', 9)?.id).toBe('c');
  expect(all.newest('b')?.poll.version).toBe(2);
  expect(all.stored('d', 9)).toBeUndefined();
  expect(all.list(9).map(({ id }) => id)).toEqual(['b', 'c', 'a']);
  expect([...all.newestOfAll()].map(({ poll }) => poll.id)).toEqual(['a', 'c', 'b']);
  expect(heard).toEqual(['a', 'b', 'c']);
  expect(refused).toEqual([]);
});

test('a record in another log than its poll’s is told of and changes nothing', () => {
  const { all, refused } = directories();
  all.of('old').apply(record({ log: 'old', state: 'paused' }));
  all.of('new').apply(record({ log: 'old', state: 'open', version: 2 }));
  all.of('new').apply(record({ log: '', state: 'open', version: 3 }));
  expect(all.newest('final')?.poll.state).toBe('paused');
  expect(refused.map(({ code }) => code)).toEqual(['log_mismatch', 'log_mismatch']);
  expect(refused[0]?.message).toContain('final');
});

test('a log that the installation does not have has no directory', () => {
  expect(() => directories().all.of('other')).toThrow(RangeError);
});
