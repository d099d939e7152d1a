import { describe, expect, test } from 'bun:test';
import { BoundedChannel } from './bounded-channel.ts';

async function turns(): Promise<void> {
  for (let turn = 0; turn < 5; turn += 1) await Promise.resolve();
}

describe('a bounded channel', () => {
  test('gives items in their order, then the end', async () => {
    const channel = new BoundedChannel<number>(2);
    const sending = (async () => {
      for (let item = 0; item < 100; item += 1) await channel.send(item);
      channel.close();
    })();
    const received: number[] = [];
    for await (const item of channel.receive()) received.push(item);
    await sending;
    expect(received).toEqual(Array.from({ length: 100 }, (_, item) => item));
  });

  test('makes the sender wait while it is full', async () => {
    const channel = new BoundedChannel<number>(1);
    await channel.send(1);
    let isSent = false;
    const second = channel.send(2).then(() => {
      isSent = true;
    });
    await turns();
    expect(isSent).toBe(false);
    expect(channel.size).toBe(1);
    const items = channel.receive();
    expect((await items.next()).value).toBe(1);
    await second;
    expect(isSent).toBe(true);
  });

  test('makes the receiver wait for an item that comes later', async () => {
    const channel = new BoundedChannel<string>(1);
    const items = channel.receive();
    const next = items.next();
    await turns();
    await channel.send('late');
    expect((await next).value).toBe('late');
  });

  test('hands a failure to the receiver behind the items that came before it', async () => {
    const channel = new BoundedChannel<number>(3);
    await channel.send(1);
    channel.close({ error: new Error('source lost') });
    const received: number[] = [];
    const all = (async () => {
      for await (const item of channel.receive()) received.push(item);
    })();
    expect(all).rejects.toThrow('source lost');
    await all.catch(() => {});
    expect(received).toEqual([1]);
  });

  test('tells a sender that waits, and every later one, that nobody receives any more', async () => {
    const channel = new BoundedChannel<number>(1);
    await channel.send(1);
    const second = channel.send(2);
    const items = channel.receive();
    await items.next();
    expect(await second).toBe(true);
    const waiting = channel.send(3);
    await items.return();
    expect(await waiting).toBe(false);
    expect(await channel.send(4)).toBe(false);
  });

  test('refuses to be sent to after its end, and a capacity that is none', () => {
    const channel = new BoundedChannel<number>(1);
    channel.close();
    expect(channel.send(1)).rejects.toThrow('closed');
    expect(() => new BoundedChannel(0)).toThrow('0 items');
  });
});
