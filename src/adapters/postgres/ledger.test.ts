import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { Client } from 'pg';
import {
  event,
  eventId,
  eventsOf,
  ledgerStep,
  NOON,
} from '../../../test/support/ledger-samples.ts';
import { type LossyProxy, lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { memoryLedger } from '../../../test/support/memory-harness.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import { act, contentOf } from '../../../test/support/store-step-samples.ts';
import { waitUntil } from '../../../test/support/wait-until.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { ledgerContract } from '../../ports/ledger.contract.ts';
import type { Ledger, LedgerStep } from '../../ports/ledger.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { migratePostgres } from './database.ts';
import { openPostgresLedger } from './ledger.ts';
import { MIGRATIONS } from './schema.ts';

const START_TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

ledgerContract('Postgres', async () => postgres.create(openPostgresLedger), memoryLedger);

describe('the ledger on Postgres', () => {
  let url: string;
  let schema: string;
  const unavailable = { code: 'store_unavailable' };
  const corrupt = { code: 'store_corrupt' };

  beforeEach(() => {
    url = postgres.newUrl();
    schema = new URL(url).searchParams.get('schema') ?? '';
  });

  const open = (address = url) => openPostgresLedger({ url: address, logId: LOG_ID });
  const execute = (sql: string) => postgres.execute(`SET search_path = ${schema}; ${sql}`);

  /** A step of `size` votes that no other step has. */
  const stepOf = (epoch: number, from: number, size = 3): LedgerStep =>
    ledgerStep(
      Array.from({ length: size }, (_, n) =>
        event({ id: eventId(from, from * size + n), offset: from }),
      ),
      { epoch, from },
    );

  /** Rows, windows and position tell of the same whole steps. */
  async function expectWholeSteps(ledger: Ledger, steps: number, size = 3): Promise<void> {
    const read = contentOf(await ledger.read(0));
    expect(contentOf(await ledger.recount(0))).toEqual(read);
    expect(read.checkpoint.nextOffset).toBe(steps);
    expect(read.books[0]?.counted ?? 0).toBe(steps * size);
  }

  describe('a connection that is lost', () => {
    const through = (proxy: LossyProxy) => {
      const address = new URL(url);
      address.port = new URL(proxy.url).port;
      return address.href;
    };

    test('in the middle of a COPY leaves nothing of the step, and is not used again', async () => {
      await using proxy = await lossyProxy(postgres.server.url);
      await using ledger = await open(through(proxy));
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      const stopped = proxy.stopBehind('PGCOPY');
      const committing = ledger.commit(stepOf(epoch, 1));
      committing.catch(() => {});
      await stopped;
      await postgres.cutConnections(url);
      await expect(committing).rejects.toMatchObject(unavailable);
      await expectWholeSteps(ledger, 1);
      expect(await ledger.commit(stepOf(epoch, 1))).toBe('applied');
      await expectWholeSteps(ledger, 2);
    });

    test('with the answer to a COMMIT: the outcome is unknown, and the step, sent again, is already applied', async () => {
      await using proxy = await lossyProxy(postgres.server.url);
      await using ledger = await open(through(proxy));
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      const lost = proxy.loseReplyTo('commit_step(');
      const step = stepOf(epoch, 1);
      await expect(ledger.commit(step)).rejects.toMatchObject(unavailable);
      await lost;
      expect((await ledger.read(0)).checkpoint.nextOffset).toBe(2);
      expect(await ledger.commit(step)).toBe('already-applied');
      expect(await ledger.commit(stepOf(epoch, 2))).toBe('applied');
      await expectWholeSteps(ledger, 3);
    });

    test('to a network that has gone silent is given up in time, and locks nothing', async () => {
      await using proxy = await lossyProxy(postgres.server.url);
      const requestTimeoutMs = 8_000;
      const options = { url: through(proxy), logId: LOG_ID, requestTimeoutMs };
      await using ledger = await openPostgresLedger(options);
      await using other = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      const stopped = proxy.stopBehind('commit_step(');
      const committing = ledger.commit(stepOf(epoch, 1));
      committing.catch(() => {});
      await stopped;
      proxy.goSilent();
      // The step is under way, half of its call is with the server: another owner does not wait for it.
      const taken = await other.takeOver(0);
      expect(await other.commit(stepOf(taken.epoch, 1))).toBe('applied');
      await expect(committing).rejects.toMatchObject(unavailable);
      await expectWholeSteps(other, 2);
    });
  });

  test('two owners at once: the newer one alone adds to the count', async () => {
    await using first = await open();
    await using second = await open();
    const owner = async (ledger: Ledger): Promise<number> => {
      let applied = 0;
      for (let lives = 0; lives < 8; lives += 1) {
        const { epoch, checkpoint } = await ledger.takeOver(0);
        for (let from = checkpoint.nextOffset; ; from += 1) {
          const outcome = await ledger.commit(stepOf(epoch, from));
          if (outcome !== 'applied') {
            expect(outcome).toBe('fenced');
            break;
          }
          applied += 1;
          if (applied > 60) return applied;
        }
      }
      return applied;
    };
    const [mine, yours] = await Promise.all([owner(first), owner(second)]);
    await expectWholeSteps(first, mine + yours);
  });

  test('owners of different partitions that meet the same new keys never lock each other out', async () => {
    await using ledger = await open();
    const partitions = [0, 1, 2, 3, 4, 5];
    const epochs = await Promise.all(partitions.map((one) => ledger.takeOver(one)));
    for (let from = 0; from < 5; from += 1) {
      const items = Array.from({ length: 500 }, (_, n) => `option-${from}-${n}`);
      const outcomes = await Promise.all(
        partitions.map((partition) => {
          const order = partition % 2 ? items : items.toReversed();
          const votes = order.map((item, n) =>
            event({ id: eventId(from, partition * 10_000 + from * 500 + n), item, partition }),
          );
          const epoch = epochs[partition]?.epoch ?? 0;
          return ledger.commit(ledgerStep(votes, { epoch, partition, from }));
        }),
      );
      expect(new Set(outcomes)).toEqual(new Set(['applied']));
    }
  });

  describe('the days of votes', () => {
    const tablesOf = async () =>
      (
        await execute(
          `SELECT tableoid::regclass::text AS name, count(*)::integer AS votes FROM vote
           GROUP BY 1 ORDER BY 1`,
        )
      ).map(({ name, votes }) => `${name} ${votes}`);
    const midnight = DAY_MS - (NOON % DAY_MS);

    test('have a table each, made before the day begins', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const votes = [-1, 0, DAY_MS].map((ms, n) => event({ id: eventId(midnight + ms, n) }));
      expect(await ledger.commit(ledgerStep(votes, { epoch }))).toBe('applied');
      expect(await tablesOf()).toEqual([
        'vote_20250219_0 1',
        'vote_20250220_0 1',
        'vote_20250221_0 1',
      ]);
      const [ahead] = await execute(`SELECT to_regclass('vote_20250222_0') IS NOT NULL AS made`);
      expect(ahead?.made).toBe(true);
      expect(await eventsOf(ledger, 'poll-a', 2)).toEqual(votes);
    });

    test('whose table is gone or can not be made are in the default one, and are found there', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(ledgerStep([event({ id: eventId(0, 1) })], { epoch }));
      await execute('DROP TABLE vote_20250219');
      const vote = event({ id: eventId(1, 2) });
      await ledger.commit(ledgerStep([vote], { epoch, from: 1 }));
      expect(await tablesOf()).toEqual(['vote_default 1']);
      await using another = await open();
      const next = event({ id: eventId(2, 3) });
      const taken = await another.takeOver(0);
      await another.commit(ledgerStep([next], { epoch: taken.epoch, from: 2 }));
      expect(await tablesOf()).toEqual(['vote_default 2']);
      for (const one of [vote, next]) expect(await ledger.find(one.id)).toEqual(one);
      expect(await eventsOf(ledger, 'poll-a', 1)).toEqual([vote, next]);
    });

    test('that no vote can have had make no tables', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const ids = ['0'.repeat(32), 'f'.repeat(32)];
      const votes = ids.map((id) => event({ id }));
      expect(await ledger.commit(ledgerStep(votes, { epoch }))).toBe('applied');
      expect(
        await ledger.commit(ledgerStep([event({ id: `${'f'.repeat(31)}e` })], { epoch, from: 1 })),
      ).toBe('applied');
      expect(await tablesOf()).toEqual(['vote_default 3']);
      expect(await eventsOf(ledger, 'poll-a', 10)).toHaveLength(3);
    });
  });

  describe('retention', () => {
    const midnight = Math.ceil(NOON / DAY_MS) * DAY_MS;
    const dayTables = async () =>
      (
        await execute(
          `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace
           AND relkind IN ('r', 'p') AND relname LIKE 'vote%2025%' ORDER BY relname`,
        )
      ).map(({ relname }) => relname);

    test('drops the tables of a day, and leaves those of the next', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      expect(await dayTables()).toContain('vote_20250219_0');
      expect(await ledger.forget(midnight)).toBe(3);
      expect(await dayTables()).toEqual([
        'vote_20250220',
        'vote_20250220_0',
        'vote_20250220_default',
      ]);
      // A vote of the day may come all the same, from a log that is folded anew.
      expect(await ledger.commit(stepOf(epoch, 1))).toBe('applied');
      expect(await dayTables()).toContain('vote_20250219_0');
      await expectWholeSteps(ledger, 2);
      expect(await ledger.forget(midnight)).toBe(3);
      await expectWholeSteps(ledger, 2);
    });

    test('takes rows of the default table away too', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const odd = event({ id: `${'0'.repeat(31)}1` });
      await ledger.commit(ledgerStep([odd, event({ id: eventId(1, 1) })], { epoch }));
      expect(await ledger.forget(midnight)).toBe(2);
      expect(await ledger.find(odd.id)).toBeNull();
      expect(contentOf(await ledger.recount(0))).toEqual(contentOf(await ledger.read(0)));
    });

    test.each(['forget', 'reset'] as const)(
      'a recount that a %s comes into counts the rows as they were',
      async (way) => {
        await using ledger = await open();
        await using other = await open();
        const { epoch } = await ledger.takeOver(0);
        await ledger.commit(stepOf(epoch, 0));
        const before = contentOf(await ledger.recount(0));
        const reader = new Client({ connectionString: postgres.server.url });
        await reader.connect();
        // The recount has its snapshot by then, and needs the keys to go on.
        await reader.query(`BEGIN; LOCK TABLE ${schema}.key IN ACCESS EXCLUSIVE MODE`);
        const waiting = (what: string) => async () => {
          const text = `SELECT FROM pg_locks WHERE NOT granted AND ${what}`;
          return (await postgres.execute(text)).length > 0;
        };
        const recounting = ledger.recount(0);
        await waitUntil('the recount waits', waiting(`relation = '${schema}.key'::regclass`));
        let isOver = false;
        const removing = (way === 'forget' ? other.forget(midnight) : other.reset(0)).finally(
          () => {
            isOver = true;
          },
        );
        const isHeldOff = waiting(`locktype = 'advisory'`);
        await waitUntil('the rows go, or wait', async () => isOver || isHeldOff());
        await reader.query('COMMIT');
        await reader.end();
        expect(contentOf(await recounting)).toEqual(before);
        await removing;
        expect(contentOf(await ledger.recount(0))).toEqual(contentOf(await ledger.read(0)));
      },
    );
  });

  describe('is opened only', () => {
    test('where the server flushes what it has committed', async () => {
      const setFsync = async (value: 'on' | 'off') => {
        await postgres.execute(`ALTER SYSTEM SET fsync = ${value}`);
        await postgres.execute('SELECT pg_reload_conf()');
        await waitUntil(`fsync is ${value}`, async () => {
          const [row] = await postgres.execute('SHOW fsync');
          return row?.fsync === value;
        });
      };
      await setFsync('off');
      try {
        await expect(open()).rejects.toMatchObject({ code: 'durability_refused' });
      } finally {
        await setFsync('on');
      }
    });

    test('with commits that are flushed, whatever the role was given', async () => {
      const server = new URL(url);
      server.username = 'hasty';
      await postgres.execute('CREATE ROLE hasty SUPERUSER LOGIN');
      await postgres.execute('ALTER ROLE hasty SET synchronous_commit = off');
      await using ledger = await open(server.href);
      const { epoch } = await ledger.takeOver(0);
      expect(await ledger.commit(stepOf(epoch, 0))).toBe('applied');
    });

    test('where the schema is of no newer version', async () => {
      await (await open())[Symbol.asyncDispose]();
      await execute(`UPDATE meta SET value = '99' WHERE name = 'schemaVersion'`);
      await expect(open()).rejects.toMatchObject(corrupt);
    });

    test('where the tables are ours', async () => {
      await execute(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.vote (x integer)`);
      await expect(open()).rejects.toMatchObject(corrupt);
    });

    test('by many at once, who make the schema once', async () => {
      const ledgers = await Promise.all(Array.from({ length: 8 }, () => open()));
      const epochs = await Promise.all(ledgers.map((ledger) => ledger.takeOver(0)));
      expect(new Set(epochs.map(({ epoch }) => epoch)).size).toBe(8);
      for (const ledger of ledgers) await ledger[Symbol.asyncDispose]();
    });

    test('for its own log, beside the ledgers of others of the installation', async () => {
      await using first = await open();
      const next = { url, logId: 'next', generation: 1 };
      await using second = await openPostgresLedger(next);
      const { epoch } = await first.takeOver(0);
      await first.commit(stepOf(epoch, 0));
      expect((await second.read(0)).checkpoint).toEqual(START);
      const { epoch: there } = await second.takeOver(0);
      expect(await second.commit(stepOf(there, 0))).toBe('applied');
      expect((await first.read(0)).checkpoint.nextOffset).toBe(1);
      for (const wrong of [
        { ...next, generation: 0 },
        { ...next, logId: LOG_ID },
      ]) {
        await expect(openPostgresLedger(wrong)).rejects.toMatchObject({ code: 'log_mismatch' });
      }
    });

    test('in a schema that `migrate` may have made before, for every log', async () => {
      const to = MIGRATIONS.length;
      expect(await migratePostgres(url)).toEqual({ from: 0, to });
      expect(await migratePostgres(url)).toEqual({ from: to, to });
      await execute(`INSERT INTO log VALUES (0, 'a', '{}'), (1, 'b', '{}')`);
      expect(await migratePostgres(url)).toEqual({ from: 0, to });
      expect(await migratePostgres(url)).toEqual({ from: to, to });
      await using ledger = await openPostgresLedger({ url, logId: 'b', generation: 1 });
      expect((await ledger.takeOver(0)).epoch).toBe(1);
      await execute(`UPDATE ${schema}_1.meta SET value = '99' WHERE name = 'schemaVersion'`);
      await expect(migratePostgres(url)).rejects.toMatchObject(corrupt);
    });

    test('where somebody answers', async () => {
      await expect(open('postgres://apura@127.0.0.1:1/postgres')).rejects.toMatchObject(
        unavailable,
      );
    });

    test.each(['no address', 'postgres://h/d?schema=a;b', 'postgres://h/d?schema=A'])(
      'at an address that is one: %s',
      async (address) => {
        await expect(open(address)).rejects.toMatchObject({ code: 'invalid_config' });
      },
    );
  });

  test.each([
    'UPDATE vote SET state = 9',
    'UPDATE excluded SET state = 0',
    `UPDATE key SET lane = 'fast'`,
    'DROP TABLE excluded',
  ])('calls itself corrupt where it finds what it never writes: %s', async (sql) => {
    await using ledger = await open();
    const { epoch } = await ledger.takeOver(0);
    const late = event({ id: eventId(2, 2), state: 'late' });
    await ledger.commit(ledgerStep([event({ id: eventId(1, 1) }), late], { epoch }));
    await execute(sql);
    await expect(eventsOf(ledger, 'poll-a', 5)).rejects.toMatchObject(corrupt);
    await expect(ledger.recount(0)).rejects.toMatchObject(corrupt);
  });

  test('keeps nothing of a step whose last write the server refuses', async () => {
    await using ledger = await open();
    const { epoch } = await ledger.takeOver(0);
    await execute(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'injected'; END $$;
      CREATE TRIGGER refuse BEFORE UPDATE OF next_offset ON progress EXECUTE FUNCTION refuse()`);
    const events = [event({ id: eventId(1, 1) }), event({ id: eventId(2, 2), state: 'late' })];
    const refused = ledgerStep(events, { epoch, acts: [act({ target: eventId(1, 1) })] });
    await expect(ledger.commit(refused)).rejects.toThrow('injected');
    await expectWholeSteps(ledger, 0);
    for (const { id } of events) expect(await ledger.find(id)).toBeNull();
    await execute('DROP TRIGGER refuse ON progress');
    expect(await ledger.commit(refused)).toBe('applied');
  });

  test('refuses a cursor that it did not give out', async () => {
    await using ledger = await open();
    for (const cursor of ['', 'x', eventId(1, 1), `${eventId(1, 1)}.0 OR 1`]) {
      const page = ledger.events('poll-a', cursor, 5);
      await expect(page).rejects.toMatchObject({ code: 'invalid_query' });
    }
  });
});
