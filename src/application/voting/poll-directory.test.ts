import { describe, expect, test } from 'bun:test';
import { samplePoll } from '../../../test/support/catalogue-samples.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { PollRecord } from '../../domain/voting/poll-record.ts';
import { PollDirectory } from './poll-directory.ts';

const record = (fields: Partial<Poll>, effectiveAt: number): PollRecord => ({
  type: 'poll',
  effectiveAt,
  poll: samplePoll(fields),
});

const directoryOf = (...records: PollRecord[]): PollDirectory => {
  const directory = new PollDirectory();
  for (const each of records) directory.apply(each);
  return directory;
};

describe('the directory', () => {
  test('knows only what it was told', () => {
    const directory = directoryOf();
    expect(directory.stored('final', 0)).toBeUndefined();
    expect(directory.shown('final', 0)).toBeUndefined();
    expect(directory.newest('final')).toBeUndefined();
    expect(directory.list(0)).toEqual([]);
  });

  test('goes by a change from its instant on, not earlier', () => {
    const directory = directoryOf(
      record({ state: 'open' }, 100),
      record({ state: 'paused', version: 2 }, 200),
    );
    expect(directory.stored('final', 199)?.state).toBe('open');
    expect(directory.newest('final')?.poll.state).toBe('paused');
    expect(directory.stored('final', 200)?.state).toBe('paused');
    expect(directory.newest('final')?.poll.state).toBe('paused');
  });

  test('goes by the highest version whose instant has come, and never back', () => {
    const directory = directoryOf(
      record({ title: 'one' }, 0),
      record({ title: 'two', version: 2 }, 300),
      record({ title: 'three', version: 3 }, 200),
      record({ title: 'four', version: 4 }, 400),
    );
    expect(directory.stored('final', 199)?.title).toBe('one');
    expect(directory.stored('final', 200)?.title).toBe('three');
    expect(directory.stored('final', 300)?.title).toBe('three');
    expect(directory.stored('final', 400)?.title).toBe('four');
    // A clock that steps back does not bring a superseded poll back.
    expect(directory.stored('final', 0)?.title).toBe('four');
  });

  test('takes a record that stands in the log twice once', () => {
    const heard: number[] = [];
    const directory = directoryOf(record({ state: 'open', version: 3 }, 0));
    directory.subscribe(({ poll }) => heard.push(poll.version));
    directory.apply(record({ state: 'paused', version: 3 }, 0));
    directory.apply(record({ state: 'draft', version: 2 }, 0));
    expect(directory.stored('final', 1)?.state).toBe('open');
    expect(heard).toEqual([]);
  });

  test('shows the state that the clock gives, and keeps the stored one for the door', () => {
    const directory = directoryOf(record({ state: 'scheduled', opensAt: 100 }, 0));
    expect(directory.shown('final', 100)?.state).toBe('open');
    expect(directory.stored('final', 100)?.state).toBe('scheduled');
  });

  test('lists every poll once, newest first', () => {
    const directory = directoryOf(
      record({ id: 'a', createdAt: 1 }, 0),
      record({ id: 'c', createdAt: 2 }, 0),
      record({ id: 'b', createdAt: 2, state: 'scheduled', opensAt: 5 }, 0),
      record({ id: 'a', createdAt: 1, version: 2 }, 0),
    );
    const listed = directory.list(10).map(({ id, state, version }) => `${id} ${state} ${version}`);
    expect(listed).toEqual(['b open 1', 'c draft 1', 'a draft 2']);
    expect([...directory.newestOfAll()].map(({ poll }) => poll.id)).toEqual(['a', 'c', 'b']);
  });

  test('tells its listeners of every change, until they have had enough', () => {
    const heard: string[] = [];
    const directory = directoryOf();
    const first = directory.subscribe(({ poll }) => heard.push(`first ${poll.version}`));
    directory.subscribe(({ poll }) => heard.push(`second ${poll.version}`));
    directory.apply(record({}, 0));
    first[Symbol.dispose]();
    directory.apply(record({ version: 2 }, 900));
    expect(heard).toEqual(['first 1', 'second 1', 'second 2']);
  });
});
