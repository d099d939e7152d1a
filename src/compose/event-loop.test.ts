import { describe, expect, test } from 'bun:test';
import { eventLoop, repeat, runUntilStopped } from './event-loop.ts';

const turn = (): Promise<void> => new Promise((resolve) => eventLoop.nextTurn(resolve));

/** Waits for a condition, turn by turn. */
async function until(reached: () => boolean): Promise<void> {
  while (!reached()) await new Promise((resolve) => setTimeout(resolve, 1));
}

describe('the event loop', () => {
  test('turns after everything that is ready now, promises included', async () => {
    const order: string[] = [];
    const turned = new Promise<void>((resolve) => {
      eventLoop.nextTurn(() => {
        order.push('turn');
        resolve();
      });
    });
    queueMicrotask(() => order.push('promise'));
    order.push('now');
    await turned;
    expect(order).toEqual(['now', 'promise', 'turn']);
  });

  test('runs a timer once, and none that was cancelled', async () => {
    const ran: string[] = [];
    const cancel = eventLoop.after(1, () => ran.push('cancelled'));
    eventLoop.after(2, () => ran.push('kept'));
    cancel();
    cancel();
    await until(() => ran.length > 0);
    await turn();
    expect(ran).toEqual(['kept']);
  });
});

describe('a repeated task', () => {
  test('runs again and again, one run at a time, until stopped', async () => {
    let runs = 0;
    let atOnce = 0;
    let most = 0;
    const stop = repeat(
      1,
      async () => {
        atOnce += 1;
        most = Math.max(most, atOnce);
        await turn();
        await turn();
        atOnce -= 1;
        runs += 1;
      },
      () => {},
    );
    await until(() => runs >= 3);
    await stop();
    const stopped = runs;
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect([most, runs]).toEqual([1, stopped]);
  });

  test('goes on after a failure, which is told', async () => {
    const failures: unknown[] = [];
    let runs = 0;
    const stop = repeat(
      0,
      () => {
        runs += 1;
        if (runs < 3) throw new Error(`run ${runs}`);
      },
      (error) => failures.push(error),
    );
    await until(() => runs >= 4);
    await stop();
    expect(failures).toEqual([new Error('run 1'), new Error('run 2')]);
  });

  test('is waited for where it is under way when it is stopped', async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    let state = 'waiting';
    const stop = repeat(
      0,
      async () => {
        state = 'running';
        await promise;
        state = 'ended';
      },
      () => {},
    );
    await until(() => state === 'running');
    const stopped = stop().then(() => state);
    resolve();
    expect(await stopped).toBe('ended');
  });

  test('that was stopped before its first run never runs', async () => {
    let runs = 0;
    const stop = repeat(
      1,
      () => {
        runs += 1;
      },
      () => {},
    );
    await stop();
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(runs).toBe(0);
  });
});

describe('what runs until it is stopped', () => {
  test('has ended once stopping has, also when it is stopped twice', async () => {
    const order: string[] = [];
    const stop = runUntilStopped(async (signal) => {
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      await turn();
      order.push('ended');
    }, expect.unreachable);
    await stop();
    order.push('stopped');
    await stop();
    expect(order).toEqual(['ended', 'stopped']);
  });

  test('tells of its own end, and can be stopped after it', async () => {
    const failures: unknown[] = [];
    const stop = runUntilStopped(
      () => Promise.reject(new Error('over')),
      (error) => failures.push(error),
    );
    await until(() => failures.length > 0);
    await stop();
    expect(failures).toEqual([new Error('over')]);
  });
});
