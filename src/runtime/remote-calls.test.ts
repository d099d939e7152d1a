import { describe, expect, test } from 'bun:test';
import { MessageChannel } from 'node:worker_threads';
import {
  answerCalls,
  type CallPort,
  type PassedError,
  passError,
  RemoteCalls,
} from './remote-calls.ts';

class Revived extends Error {
  readonly code: string | null;

  constructor({ code, message }: PassedError) {
    super(message);
    this.code = code;
  }
}

/** Two ends of a channel as threads have them: what passes is cloned. */
function channel(): { near: CallPort; far: CallPort } & Disposable {
  const { port1, port2 } = new MessageChannel();
  const portOf = (port: typeof port1): CallPort => ({
    postMessage: (message, transfer) => port.postMessage(message, transfer ?? []),
    on: (event, listener) => port.on(event, listener),
  });
  return {
    near: portOf(port1),
    far: portOf(port2),
    [Symbol.dispose]: () => {
      port1.close();
      port2.close();
    },
  };
}

function calling(target: object) {
  const ends = channel();
  answerCalls(ends.far, target);
  const calls = new RemoteCalls(ends.near, (error) => new Revived(error));
  return { calls, ...ends };
}

describe('a call', () => {
  test('gives what the method gave, now or later', async () => {
    using over = calling({
      add: (left: number, right: number) => left + right,
      later: async (value: unknown) => [value, new Map([[1, new Uint8Array([7])]])],
      nothing: () => {},
    });
    expect(await over.calls.call('add', [2, 3])).toBe(5);
    expect(await over.calls.call('later', ['x'])).toEqual([
      'x',
      new Map([[1, new Uint8Array([7])]]),
    ]);
    expect(await over.calls.call('nothing', [])).toBeUndefined();
  });

  test('gets its own answer, in whatever order the answers come', async () => {
    const waiting: ((value: string) => void)[] = [];
    using over = calling({
      slow: () => new Promise<string>((resolve) => waiting.push(resolve)),
      quick: (value: string) => value,
    });
    const [first, second] = [over.calls.call('slow', []), over.calls.call('slow', [])];
    expect(await over.calls.call('quick', ['q'])).toBe('q');
    waiting[1]?.('second');
    expect(await second).toBe('second');
    waiting[0]?.('first');
    expect(await first).toBe('first');
  });

  test('fails with the error of the other side, its code and words', async () => {
    using over = calling({
      coded: () => {
        throw Object.assign(new Error('no room'), { code: 'overloaded' });
      },
      plain: async () => {
        throw new TypeError('broken');
      },
      text: () => {
        throw 'words';
      },
    });
    await expect(over.calls.call('coded', [])).rejects.toMatchObject({
      code: 'overloaded',
      message: 'no room',
    });
    await expect(over.calls.call('plain', [])).rejects.toMatchObject({
      code: null,
      message: 'broken',
    });
    await expect(over.calls.call('text', [])).rejects.toMatchObject({ message: 'words' });
  });

  test.each(['missing', 'constructor', 'toString', '__proto__', 'field'])(
    'fails where there is no such method: %s',
    async (method) => {
      using over = calling({ field: 7 });
      await expect(over.calls.call(method, [])).rejects.toThrow(`No method ${method}`);
    },
  );

  test('fails where an argument or an answer can not pass between threads', async () => {
    using over = calling({ give: () => () => {} });
    await expect(over.calls.call('give', [])).rejects.toThrow();
    await expect(over.calls.call('give', [() => {}])).rejects.toThrow();
    // And takes nothing along: the next call is answered.
    await expect(over.calls.call('missing', [])).rejects.toThrow('No method');
  });

  test('moves the buffers that it is told to', async () => {
    using over = calling({ size: (bytes: Uint8Array) => bytes.length });
    const bytes = new Uint8Array(10);
    expect(await over.calls.call('size', [bytes], [bytes.buffer])).toBe(10);
    expect(bytes.length).toBe(0);
  });
});

describe('other messages on the same port', () => {
  test('are left to others, on both sides', async () => {
    using over = calling({ add: (left: number, right: number) => left + right });
    const told: unknown[] = [];
    over.near.on('message', (message) => told.push(message));
    for (const message of [
      null,
      7,
      'event',
      { event: 'ready' },
      { call: 1 },
      { reply: 99, value: 1 },
    ]) {
      over.far.postMessage(message);
      over.near.postMessage(message);
    }
    expect(await over.calls.call('add', [1, 1])).toBe(2);
    expect(told).toContainEqual({ event: 'ready' });
  });
});

describe('where the other side is gone', () => {
  test('every waiting call fails, and every later one', async () => {
    using over = calling({ never: () => new Promise(() => {}) });
    const waiting = [over.calls.call('never', []), over.calls.call('never', [])];
    const gone = new Error('the thread died');
    over.calls.breakOff(gone);
    for (const call of waiting) await expect(call).rejects.toBe(gone);
    await expect(over.calls.call('never', [])).rejects.toBe(gone);
  });
});

test('of an error there pass its code, where it is a text, and its words', () => {
  expect(passError(Object.assign(new Error('full'), { code: 'ENOSPC' }))).toEqual({
    code: 'ENOSPC',
    message: 'full',
  });
  expect(passError(Object.assign(new Error('odd'), { code: 7 }))).toEqual({
    code: null,
    message: 'odd',
  });
  expect(passError(null)).toEqual({ code: null, message: 'null' });
});
