/** Proves what those who operate Apura are told, and who is told. */
import { beforeEach, describe, expect, test } from 'bun:test';
import { EdgeRoom } from '../../../test/support/edge-room.ts';
import { START_TIME } from '../../../test/support/voting-room.ts';
import {
  actListSchema,
  consistencySchema,
  healthSchema,
  readinessSchema,
  timeSchema,
} from './schemas.ts';

const OPERATOR = { operator: true } as const;
let room: EdgeRoom;

beforeEach(() => {
  room = new EdgeRoom();
});

test('/healthz says that the process is alive, whatever else is not', async () => {
  room.readiness = { ...room.readiness, ready: false };
  expect(healthSchema.parse(await room.json('/healthz'))).toEqual({ alive: true });
});

describe('/readyz', () => {
  test('names the durability and the log', async () => {
    const response = await room.ask('/readyz');
    expect(response.status).toBe(200);
    expect(readinessSchema.parse(await response.json())).toEqual(room.readiness as never);
  });

  test('is 503 with the part that is not ready', async () => {
    const parts = [{ name: 'log', ready: false, detail: 'the disk is full' }];
    room.readiness = { ...room.readiness, ready: false, parts };
    const response = await room.ask('/readyz');
    expect(response.status).toBe(503);
    expect(readinessSchema.parse(await response.json())).toMatchObject({ ready: false, parts });
  });
});

test('/v1/time is the server’s', async () => {
  expect(timeSchema.parse(await room.json('/v1/time'))).toEqual({
    serverTime: '2026-11-21T20:00:00.000Z',
  });
});

describe('/v1/consistency', () => {
  test('tells operators how far each store has come', async () => {
    room.consistency = {
      ...room.consistency,
      state: 'different',
      checkedAt: START_TIME,
      detail: 'p0',
    };
    expect(consistencySchema.parse(await room.json('/v1/consistency', OPERATOR))).toEqual({
      state: 'different',
      checkedAt: '2026-11-21T20:00:00.000Z',
      detail: 'p0',
      alarms: [],
      drained: true,
      logEnd: [{ log: 'log', partition: 0, end: 12 }],
      tally: [{ log: 'log', partition: 0, next: 12 }],
      ledger: [{ log: 'log', partition: 0, next: 12 }],
    });
  });

  test('tells nobody else', async () => {
    expect((await room.ask('/v1/consistency')).status).toBe(401);
  });
});

describe('/metrics', () => {
  test('is for operators where everybody uses the port', async () => {
    expect((await room.ask('/metrics')).status).toBe(401);
    const response = await room.ask('/metrics', OPERATOR);
    expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await response.text()).toBe('up 1\n');
  });

  test('is for whoever reaches the admin port', async () => {
    expect((await new EdgeRoom({ surface: 'admin' }).ask('/metrics')).status).toBe(200);
  });

  test('is not on the public port beside it', async () => {
    expect((await new EdgeRoom({ surface: 'public' }).ask('/metrics', OPERATOR)).status).toBe(404);
  });
});

describe('/v1/polls/{poll}/acts', () => {
  test('tells operators who did what, newest first, page by page', async () => {
    await room.place();
    for (const act of ['open', 'pause']) {
      room.clock.advance(1_000);
      await room.ask(`/v1/polls/final/${act}`, { ...OPERATOR, method: 'POST' });
    }
    const page = actListSchema.parse(await room.json('/v1/polls/final/acts?limit=1', OPERATOR));
    expect(page.items).toEqual([
      {
        at: '2026-11-21T20:00:02.000Z',
        actor: 'operator',
        act: 'pause',
        poll: 'final',
        detail: null,
      },
    ]);
    const next = await room.json(`/v1/polls/final/acts?cursor=${page.nextCursor}`, OPERATOR);
    expect(actListSchema.parse(next).items.map(({ act }) => act)).toEqual(['open', 'create']);
  });

  test('refuses a cursor that is none', async () => {
    await room.place();
    const response = await room.ask('/v1/polls/final/acts?cursor=zzz', OPERATOR);
    expect(await response.json()).toMatchObject({ code: 'invalid_query' });
  });

  test('is for operators, and of polls that are there', async () => {
    expect((await room.ask('/v1/polls/final/acts')).status).toBe(401);
    expect((await room.ask('/v1/polls/final/acts', OPERATOR)).status).toBe(404);
  });
});
