import { describe, expect, test } from 'bun:test';
import { encodeTimeMark } from '../../domain/counting/block.ts';
import { type Checkpoint, START } from '../../domain/counting/checkpoint.ts';
import { crc32c } from '../../domain/counting/crc32c.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { LoggedBlock } from '../../ports/event-log.ts';
import type { CommitOutcome } from '../../ports/store-step.ts';
import { BoundedChannel } from '../../runtime/bounded-channel.ts';
import { blockMark, LogConsumer } from './log-consumer.ts';

interface Batch {
  readonly step: { readonly checkpoint: Checkpoint };
}
interface Commit {
  readonly outcome: CommitOutcome;
}

const BLOCKS: readonly LoggedBlock[] = Array.from({ length: 6 }, (_, offset) => ({
  offset,
  bytes: encodeTimeMark(0, 1_000 + offset, { writerId: 1n, sequence: offset }),
}));

/** The place behind block `nextOffset - 1`. */
function placeBehind(nextOffset: number): Checkpoint {
  const last = BLOCKS[nextOffset - 1];
  if (last === undefined) return START;
  return { nextOffset, logTime: 0, windowStartOffset: 0, lastBlockCrc: blockMark(last.bytes) };
}

/** A store that stands somewhere, and a log of which a batch is one block. */
function room() {
  const store = { at: placeBehind(0), epoch: 0, outcome: 'applied' as CommitOutcome };
  const log = { blocks: BLOCKS, readFails: null as Error | null };
  const commits: number[] = [];
  let asked = 0;
  let underWay = 0;
  let aheadMax = 0;
  const consumer = new LogConsumer<Batch, Commit>({
    log: { read: async (_, from) => log.blocks.slice(from, from + 1) },
    partition: 0,
    store: {
      takeOver: async () => {
        store.epoch += 1;
        return { epoch: store.epoch, checkpoint: store.at };
      },
      checkpoint: async () => {
        asked += 1;
        return store.at;
      },
      commit: async ({ step }, epoch) => {
        const isOurs = epoch === store.epoch;
        const outcome = isOurs ? store.outcome : 'fenced';
        if (outcome === 'applied') {
          store.at = step.checkpoint;
          commits.push(step.checkpoint.nextOffset);
        }
        underWay -= 1;
        return { outcome };
      },
    },
    async *batches(from, end) {
      for (let next = from.nextOffset + 1; next <= end; next += 1) {
        if (log.readFails !== null && next > 2) throw log.readFails;
        underWay += 1;
        aheadMax = Math.max(aheadMax, underWay);
        yield { step: { checkpoint: placeBehind(next) } };
      }
    },
    channel: (capacity) => new BoundedChannel<Batch>(capacity),
  });
  const drain = (end: number, signal = new AbortController().signal) =>
    consumer.drain(end, signal, () => {});
  return { consumer, store, log, commits, drain, asked: () => asked, aheadMax: () => aheadMax };
}

const failing = (code: string) => expect.objectContaining({ code });

describe('a store is brought up to the log', () => {
  test('by every block once and in order, from where it stands to the end that was seen', async () => {
    const { consumer, commits, drain, store } = room();
    expect(consumer.position).toBeNull();
    await drain(4);
    await drain(4);
    await drain(6);
    expect(commits).toEqual([1, 2, 3, 4, 5, 6]);
    expect([consumer.position, store.epoch]).toEqual([6, 1]);
  });

  test('with a bounded number of batches read ahead of it', async () => {
    const { drain, aheadMax } = room();
    await drain(6);
    // Two in the channel, one with the store, one that waits to be sent.
    expect(aheadMax()).toBeLessThanOrEqual(4);
  });

  test('by a worker that goes on where another one stopped', async () => {
    const { commits, drain, store } = room();
    store.at = placeBehind(3);
    await drain(6);
    expect(commits).toEqual([4, 5, 6]);
  });

  test('no further than the batch under way once it is told to stop', async () => {
    const { commits, drain } = room();
    const stop = new AbortController();
    stop.abort();
    await drain(6, stop.signal);
    expect(commits).toEqual([]);
  });
});

describe('a partition is given up and taken over anew', () => {
  test('by a worker whose epoch is old: it writes nothing', async () => {
    const { consumer, commits, drain, store } = room();
    await drain(2);
    store.epoch += 1;
    expect(drain(6)).rejects.toEqual(failing('fenced'));
    await drain(6).catch(() => {});
    expect(consumer.position).toBe(6);
    expect(commits).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('where the store stands elsewhere than it was left', async () => {
    const { consumer, drain, store } = room();
    store.outcome = 'misaligned';
    await drain(6).catch((error: unknown) => expect(error).toEqual(failing('store_unavailable')));
    expect(consumer.position).toBeNull();
  });

  test('where reading fails, behind the batches that were read before', async () => {
    const { commits, drain, log } = room();
    log.readFails = new ApuraError('log_unavailable', 'away');
    await drain(6).catch((error: unknown) => expect(error).toEqual(failing('log_unavailable')));
    expect(commits).toEqual([1, 2]);
    log.readFails = null;
    await drain(6);
    expect(commits).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('where an idle store was emptied meanwhile, which is asked for now and then', async () => {
    const { commits, drain, store, asked } = room();
    await drain(2);
    for (let idle = 0; idle < 30; idle += 1) await drain(2);
    expect([asked(), store.epoch]).toEqual([2, 1]);
    store.at = placeBehind(0);
    for (let idle = 0; idle < 30; idle += 1) await drain(2);
    expect(commits).toEqual([1, 2, 1, 2]);
  });
});

describe('another log is refused', () => {
  test('where the last block that the store has applied is another one', async () => {
    const { drain, log, store } = room();
    store.at = placeBehind(3);
    log.blocks = BLOCKS.toSpliced(2, 1, { offset: 2, bytes: BLOCKS[5]?.bytes ?? new Uint8Array() });
    await drain(6).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toEqual(failing('log_rewound')),
    );
  });

  test('but one that gives nothing just now is only waited for', async () => {
    const { drain, log, store } = room();
    store.at = placeBehind(3);
    log.blocks = [];
    await drain(6).then(
      () => expect.unreachable(),
      (error: unknown) => expect(error).toEqual(failing('log_unavailable')),
    );
  });
});

test('bytes that are no block have a mark, too', () => {
  const bytes = Uint8Array.of(1, 2, 3, 4);
  expect(blockMark(bytes)).toBe(crc32c(bytes));
});
