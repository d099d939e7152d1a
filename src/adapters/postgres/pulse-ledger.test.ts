import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'bun:test';
import { type LossyProxy, lossyProxy } from '../../../test/support/lossy-proxy.ts';
import { memoryPulseLedger } from '../../../test/support/memory-harness.ts';
import { type PostgresHarness, postgresHarness } from '../../../test/support/postgres-harness.ts';
import {
  amending,
  columnsOf,
  HOUR_MS,
  keyOf,
  type LoggedPulse,
  logged,
  NOON,
  pulseStep,
  pulsesOf,
  report,
  stored,
  units,
  voiding,
  withoutStoredAt,
} from '../../../test/support/pulse-samples.ts';
import { START } from '../../domain/counting/checkpoint.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import { USAGE_ROLLUPS_MS } from '../../domain/metering/usage-spans.ts';
import { pulseLedgerContract } from '../../ports/pulse-ledger.contract.ts';
import type { PulseCommit, PulseLedger, PulseStep } from '../../ports/pulse-ledger.ts';
import { LOG_ID } from '../../ports/store-under-test.ts';
import { openPostgresLedger } from './ledger.ts';
import { openPostgresPulseLedger } from './pulse-ledger.ts';

const START_TIMEOUT_MS = 120_000;
const DAY_MS = 86_400_000;
const MIDNIGHT = Math.floor(NOON / DAY_MS) * DAY_MS;
const EVER = Number.MAX_SAFE_INTEGER;
let postgres: PostgresHarness;

beforeAll(async () => {
  postgres = await postgresHarness();
}, START_TIMEOUT_MS);

afterAll(async () => {
  await postgres[Symbol.asyncDispose]();
});

pulseLedgerContract(
  'Postgres',
  async () => postgres.create(openPostgresPulseLedger),
  memoryPulseLedger,
);

describe('the pulse ledger on Postgres', () => {
  let url: string;
  let schema: string;
  const unavailable = { code: 'store_unavailable' };
  const corrupt = { code: 'store_corrupt' };
  const applied = (counts: Partial<PulseCommit>): PulseCommit => ({
    ...{ outcome: 'applied', counted: 0, duplicates: 0, conflicts: 0 },
    ...counts,
  });

  beforeEach(() => {
    url = postgres.newUrl();
    schema = new URL(url).searchParams.get('schema') ?? '';
  });

  const open = (address = url, requestTimeoutMs = 10_000) =>
    openPostgresPulseLedger({ url: address, logId: LOG_ID, requestTimeoutMs });
  const execute = (sql: string) => postgres.execute(`SET search_path = ${schema}; ${sql}`);

  /** Some pulses that no other step has. */
  const pulsesAt = (from: number, size = 3): readonly LoggedPulse[] =>
    Array.from({ length: size }, (_, n) => logged({ id: `p-${from}-${n}`, occurredAt: NOON + n }));

  const stepOf = (epoch: number, from: number, size = 3): PulseStep =>
    pulseStep(pulsesAt(from, size), { epoch, from });

  /** Keys, pulses, windows and position tell of the same whole steps. */
  async function expectWholeSteps(ledger: PulseLedger, steps: number, size = 3): Promise<void> {
    expect((await ledger.checkpoint(0)).nextOffset).toBe(steps);
    expect((await ledger.books(0)).counted).toBe(steps * size);
    expect(await pulsesOf(ledger, { tenant: null }, 1_000)).toHaveLength(steps * size);
    const [keys] = await execute('SELECT count(*)::integer AS keys FROM pulse_key');
    expect(keys).toEqual({ keys: steps * size });
    expect(await ledger.recompute(0, 0, EVER)).toEqual([]);
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
      expect(await ledger.commit(stepOf(epoch, 1))).toEqual(applied({ counted: 3 }));
      await expectWholeSteps(ledger, 2);
    });

    test('with the answer to a step is an unknown outcome, and the step is not added again', async () => {
      await using proxy = await lossyProxy(postgres.server.url);
      await using ledger = await open(through(proxy));
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      const lost = proxy.loseReplyTo('commit_pulses(');
      await expect(ledger.commit(stepOf(epoch, 1))).rejects.toMatchObject(unavailable);
      await lost;
      expect((await ledger.checkpoint(0)).nextOffset).toBe(2);
      expect(await ledger.commit(stepOf(epoch, 1))).toEqual(
        applied({ outcome: 'already-applied' }),
      );
      expect(await ledger.commit(stepOf(epoch, 2))).toEqual(applied({ counted: 3 }));
      await expectWholeSteps(ledger, 3);
    });

    test('to a network that has gone silent is given up in time, and locks nothing', async () => {
      await using proxy = await lossyProxy(postgres.server.url);
      await using ledger = await open(through(proxy), 8_000);
      await using other = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      const stopped = proxy.stopBehind('commit_pulses(');
      const committing = ledger.commit(stepOf(epoch, 1));
      committing.catch(() => {});
      await stopped;
      proxy.goSilent();
      // Half of its call is with the server: neither another owner nor another partition waits for it.
      const elsewhere = await other.takeOver(1);
      const same = pulseStep(pulsesAt(1), { epoch: elsewhere.epoch, partition: 1 });
      expect(await other.commit(same)).toEqual(applied({ counted: 3 }));
      const taken = await other.takeOver(0);
      expect(await other.commit(stepOf(taken.epoch, 1))).toEqual(applied({ duplicates: 3 }));
      await expect(committing).rejects.toMatchObject(unavailable);
      expect((await other.books(0)).counted).toBe(3);
    });
  });

  test('two owners at once: the newer one alone adds to usage', async () => {
    await using first = await open();
    await using second = await open();
    const owner = async (ledger: PulseLedger): Promise<number> => {
      let counted = 0;
      for (let lives = 0; lives < 6; lives += 1) {
        const { epoch, checkpoint } = await ledger.takeOver(0);
        for (let from = checkpoint.nextOffset; ; from += 1) {
          const done = await ledger.commit(stepOf(epoch, from));
          counted += done.counted;
          if (done.outcome !== 'applied') {
            expect(done.outcome).toBe('fenced');
            break;
          }
          if (counted > 60) return counted;
        }
      }
      return counted;
    };
    const [mine, yours] = await Promise.all([owner(first), owner(second)]);
    await expectWholeSteps(first, (mine + yours) / 3);
  });

  test('partitions that bring the same pulses at once count each of them once, and never lock each other out', async () => {
    const partitions = [0, 1, 2, 3];
    const ledgers = await Promise.all(partitions.map(() => open()));
    await using stack = new AsyncDisposableStack();
    for (const ledger of ledgers) stack.use(ledger);
    const epochs = await Promise.all(ledgers.map((ledger, one) => ledger.takeOver(one)));
    for (let from = 0; from < 4; from += 1) {
      const pulses = Array.from({ length: 1_000 }, (_, n) =>
        logged({ id: `${from}-${n}`, sku: `sku-${from}-${n % 50}`, occurredAt: NOON + n * 1_000 }),
      );
      const letters = Array.from({ length: 20 }, (_, n) => report(`${from}-${n}`));
      const done = await Promise.all(
        ledgers.map((ledger, partition) => {
          const epoch = epochs[partition]?.epoch ?? 0;
          const turned = partition % 2 === 0 ? pulses : pulses.toReversed();
          const deadLetters = partition % 2 === 0 ? letters : letters.toReversed();
          return ledger.commit(pulseStep(turned, { epoch, partition, from, deadLetters }));
        }),
      );
      expect(new Set(done.map(({ outcome }) => outcome))).toEqual(new Set(['applied']));
      expect(done.reduce((sum, { counted }) => sum + counted, 0)).toBe(1_000);
      expect(done.reduce((sum, { duplicates }) => sum + duplicates, 0)).toBe(3_000);
    }
    const ever = { tenant: null, sku: null, unit: null, from: 0, to: EVER };
    const rows = await (ledgers[0] as PulseLedger).usage(ever, [0, NOON * 2], 200);
    expect(rows.reduce((sum, row) => sum + row.sum, 0n)).toBe(units('4000'));
    for (const partition of partitions) {
      expect(await (ledgers[0] as PulseLedger).recompute(partition, 0, EVER)).toEqual([]);
    }
  });

  test('keeps nothing of a step whose last write the server refuses', async () => {
    await using ledger = await open();
    const { epoch } = await ledger.takeOver(0);
    await execute(`
      CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN RAISE EXCEPTION 'injected'; END $$;
      CREATE TRIGGER refuse BEFORE INSERT ON dead_letter FOR EACH ROW EXECUTE FUNCTION refuse()`);
    const [one = logged()] = pulsesAt(0);
    const acts = [voiding(one)];
    const step = pulseStep(pulsesAt(0), { epoch, acts, deadLetters: [report('x')] });
    await expect(ledger.commit(step)).rejects.toThrow('injected');
    await expectWholeSteps(ledger, 0);
    await execute('DROP TRIGGER refuse ON dead_letter');
    expect(await ledger.commit(step)).toEqual(applied({ counted: 3 }));
    expect((await ledger.find(keyOf(one)))?.state).toBe('voided');
  });

  test('texts that Postgres can not hold stop no partition', async () => {
    await using ledger = await open();
    const { epoch } = await ledger.takeOver(0);
    const one = logged();
    const odd = { actor: 'a\0b', reason: '\ud800' };
    const letter = report('x', { tenant: 'te\0nant', message: 'half \udc00' });
    const acts = [voiding(one, odd), voiding(logged({ id: 'gone' }), { ...odd, actId: 'act-2' })];
    const step = pulseStep([one], { epoch, acts, deadLetters: [letter] });
    expect(await ledger.commit(step)).toEqual(applied({ counted: 1 }));
    expect((await ledger.find(keyOf(one)))?.acts).toMatchObject([
      { actor: 'a\ufffdb', reason: '\ufffd' },
    ]);
    expect(await ledger.deadLetters.get(letter.id)).toMatchObject({ tenant: 'te\ufffdnant' });
    expect((await ledger.books(0)).deadLetters).toBe(2);
  });

  describe('the days of pulses', () => {
    const tablesOf = async () =>
      (
        await execute(
          `SELECT tableoid::regclass::text AS name, count(*)::integer AS pulses FROM pulse
           GROUP BY 1 ORDER BY 1`,
        )
      ).map(({ name, pulses }) => `${name} ${pulses}`);
    const dayTables = async () =>
      (
        await execute(
          `SELECT relname FROM pg_class WHERE relnamespace = '${schema}'::regnamespace
           AND relkind = 'r' AND relname ~ '^pulse_2' ORDER BY relname`,
        )
      ).map(({ relname }) => relname);
    const at = (ms: number) => logged({ id: `at-${ms}`, occurredAt: MIDNIGHT + ms });

    test('have a table each, made before the day begins', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(pulseStep([at(-1), at(0), at(1)], { epoch }));
      expect(await tablesOf()).toEqual(['pulse_20261023 1', 'pulse_20261024 2']);
      expect(await dayTables()).toEqual(['pulse_20261023', 'pulse_20261024', 'pulse_20261025']);
    });

    test('that are no day of a pulse just sent have none, and their pulses are found all the same', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const pulses = [at(-50 * DAY_MS), at(3 * DAY_MS), at(0)];
      await ledger.commit(pulseStep(pulses, { epoch }));
      expect(await tablesOf()).toEqual(['pulse_20261024 1', 'pulse_default 2']);
      for (const one of pulses)
        expect(withoutStoredAt(await ledger.find(keyOf(one)))).toEqual(stored(one));
      expect(await ledger.forget(0, MIDNIGHT)).toBe(1);
      expect(await tablesOf()).toEqual(['pulse_20261024 1', 'pulse_default 1']);
    });

    test('whose table is gone are in the default one, for this ledger and the next', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      await ledger.commit(stepOf(epoch, 0));
      await execute('DELETE FROM pulse; DROP TABLE pulse_20261024');
      await ledger.commit(stepOf(epoch, 1));
      expect(await tablesOf()).toEqual(['pulse_default 3']);
      await using another = await open();
      const taken = await another.takeOver(0);
      await another.commit(stepOf(taken.epoch, 2));
      expect(await tablesOf()).toEqual(['pulse_default 6']);
    });

    test('go with their table when they are forgotten, and come back with it', async () => {
      await using ledger = await open();
      await using other = await open();
      const { epoch } = await ledger.takeOver(0);
      const pulses = [at(-1), at(0), at(USAGE_WINDOW_MS), at(DAY_MS)];
      await ledger.commit(pulseStep(pulses, { epoch }));
      expect(await other.forget(MIDNIGHT, MIDNIGHT + DAY_MS)).toBe(2);
      expect(await dayTables()).toEqual(['pulse_20261023', 'pulse_20261025', 'pulse_20261026']);
      expect(await ledger.recompute(0, 0, EVER)).toEqual([]);
      expect(await other.restore(0, columnsOf(pulses))).toBe(2);
      expect(await ledger.recompute(0, 0, EVER)).toEqual([]);
      expect(await tablesOf()).toEqual([
        'pulse_20261023 1',
        'pulse_20261024 2',
        'pulse_20261025 1',
      ]);
      expect(await pulsesOf(ledger, { tenant: null }, 3)).toEqual(pulses.map((one) => stored(one)));
    });

    test('are forgotten in the middle of them row by row', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const pulses = [at(0), at(USAGE_WINDOW_MS), at(2 * USAGE_WINDOW_MS)];
      await ledger.commit(pulseStep(pulses, { epoch }));
      const from = MIDNIGHT + USAGE_WINDOW_MS;
      expect(await ledger.forget(from, from + USAGE_WINDOW_MS)).toBe(1);
      expect(await tablesOf()).toEqual(['pulse_20261024 2']);
    });
  });

  describe('the rollups of usage', () => {
    /** Rollups that are not what their windows come to, those included in which nothing counts. */
    const wrongRollups = () =>
      execute(`
        SELECT * FROM (
          SELECT series, partition, length, start - start % length AS start, sum(sum) AS sum,
            sum(count) AS count, min(min) AS min, max(max) AS max,
            (array_agg((last_at, last_key, last)::text ORDER BY last_at DESC, last_key DESC))[1] AS last
          FROM usage_window CROSS JOIN unnest(ARRAY[${USAGE_ROLLUPS_MS.join()}]) AS rollup (length)
          WHERE count > 0 GROUP BY 1, 2, 3, 4
        ) windows FULL JOIN (
          SELECT series, partition, length, start, sum, count, min, max, (last_at, last_key, last)::text AS last
          FROM usage_rollup
        ) rollups USING (series, partition, length, start)
        WHERE (windows.sum, windows.count, windows.min, windows.max, windows.last)
          IS DISTINCT FROM (rollups.sum, rollups.count, rollups.min, rollups.max, rollups.last)`);
    const dayCount = async () =>
      (await execute(`SELECT * FROM usage_rollup WHERE length = ${DAY_MS}`)).length;
    const pulses = ['3', '-2', '10', '0.5', '7', '7'].map((amount, n) => {
      const occurredAt = MIDNIGHT - DAY_MS / 4 + n * (DAY_MS / 8);
      return logged({ id: `d-${n}`, amount, occurredAt });
    });
    const [first = logged(), least = logged(), most = logged()] = pulses;
    const last = pulses.at(-1) ?? logged();
    const other = logged({ id: 'other', sku: 'other', occurredAt: MIDNIGHT });

    /** Of two partitions: one that brings what is new alone, one that brings what is known as well. */
    async function filled(ledger: PulseLedger): Promise<number> {
      const [mine, yours] = [await ledger.takeOver(0), await ledger.takeOver(1)];
      await ledger.commit(pulseStep(pulses.slice(0, 2), { epoch: mine.epoch }));
      await ledger.commit(pulseStep(pulses.slice(2), { epoch: mine.epoch, from: 1 }));
      const again = [...pulses, other, other];
      await ledger.commit(pulseStep(again, { epoch: yours.epoch, partition: 1 }));
      return mine.epoch;
    }

    test('are what their windows come to, where pulses are new and where some are known', async () => {
      await using ledger = await open();
      const epoch = await filled(ledger);
      expect(await wrongRollups()).toEqual([]);
      expect(await dayCount()).toBe(3);
      // What is later and more beside what is known, then what is earlier and less by itself.
      const more = logged({ id: 'more', amount: '11', occurredAt: last.pulse.occurredAt + 1 });
      await ledger.commit(pulseStep([more, last], { epoch, from: 2 }));
      expect(await wrongRollups()).toEqual([]);
      const occurredAt = MIDNIGHT + USAGE_WINDOW_MS;
      const less = logged({ id: 'less', amount: '-11', occurredAt });
      await ledger.commit(pulseStep([less], { epoch, from: 3 }));
      expect(await wrongRollups()).toEqual([]);
    });

    test('shrink with their windows, and go with the last one in which something counts', async () => {
      await using ledger = await open();
      const epoch = await filled(ledger);
      const acts = [voiding(most), amending(least, '1'), voiding(last, { actId: 'act-3' })];
      await ledger.commit(pulseStep([], { epoch, from: 2, acts }));
      expect(await wrongRollups()).toEqual([]);
      const rest = pulses.slice(0, 2).map((one, n) => voiding(one, { actId: `rest-${n}` }));
      await ledger.commit(pulseStep([], { epoch, from: 3, acts: rest }));
      expect(await wrongRollups()).toEqual([]);
      expect(await dayCount()).toBe(2);
      const anew = [amending(first, '4', { actId: 'anew' })];
      await ledger.commit(pulseStep([], { epoch, from: 4, acts: anew }));
      expect(await wrongRollups()).toEqual([]);
      expect(await dayCount()).toBe(3);
    });

    test('move with a window whose pulses are forgotten in part', async () => {
      await using ledger = await open();
      const { epoch } = await ledger.takeOver(0);
      const pair = [last, logged({ id: 'beside', occurredAt: last.pulse.occurredAt + 1 })];
      await ledger.commit(pulseStep(pair, { epoch }));
      await ledger.forget(MIDNIGHT, MIDNIGHT + DAY_MS);
      await ledger.restore(0, columnsOf([last]));
      await ledger.commit(pulseStep([], { epoch, from: 1, acts: [voiding(last)] }));
      expect(await wrongRollups()).toEqual([]);
      expect(await dayCount()).toBe(1);
    });

    test('are put right by a recompute, as windows are', async () => {
      await using ledger = await open();
      await filled(ledger);
      for (const harm of [
        'UPDATE usage_rollup SET sum = sum + 1',
        'UPDATE usage_rollup SET last_at = 0',
        'DELETE FROM usage_rollup',
        ...USAGE_ROLLUPS_MS.map((length) => `DELETE FROM usage_rollup WHERE length = ${length}`),
        `INSERT INTO usage_rollup SELECT start + ${DAY_MS * 9}, series, length, partition, count,
           last_at, last_key, sum, min, max, last FROM usage_rollup`,
        'UPDATE usage_window SET sum = 0, max = 0',
      ]) {
        await execute(harm);
        expect(await wrongRollups(), harm).not.toEqual([]);
        // From the middle of the first day on: whole days are looked at.
        const from = MIDNIGHT - DAY_MS / 4;
        for (const partition of [0, 1]) await ledger.recompute(partition, from, EVER);
        expect(await wrongRollups(), harm).toEqual([]);
        expect(await dayCount(), harm).toBe(3);
      }
    });

    test('go with their partition', async () => {
      await using ledger = await open();
      await filled(ledger);
      await ledger.reset(0);
      expect(await wrongRollups()).toEqual([]);
      expect(await dayCount()).toBe(1);
    });

    test('answer for what none of its bounds cuts, and windows for the rest', async () => {
      await using ledger = await open();
      await filled(ledger);
      // 2400 for a day, 300 for an eighth of one, 100 for an hour.
      await execute('UPDATE usage_rollup SET sum = length / 36000');
      const sums = async (from: number, to: number, bounds: readonly number[]) => {
        const filter = { tenant: null, sku: first.pulse.sku, unit: null, from, to };
        return (await ledger.usage(filter, bounds, 9)).map(({ sum }) => sum);
      };
      const [start, end] = [MIDNIGHT, MIDNIGHT + DAY_MS];
      expect(await sums(start, end, [start, end])).toEqual([units('2400')]);
      expect(await sums(start, end - USAGE_WINDOW_MS, [start, end])).toEqual([units('1200')]);
      const seven = start + 7 * HOUR_MS;
      expect(await sums(start, end, [start, seven, end])).toEqual([units('700'), units('300')]);
      const halfPastSix = seven - 2 * USAGE_WINDOW_MS;
      const cut = await sums(start, end, [start, halfPastSix, end]);
      expect(cut).toEqual([units('607'), units('300')]);
      const long = MIDNIGHT - DAY_MS / 2;
      expect(await sums(long, end, [long, end])).toEqual([units('3000')]);
    });
  });

  test('series that another ledger has numbered meanwhile are the same series', async () => {
    await using first = await open();
    await using second = await open();
    const owners = [await first.takeOver(0), await second.takeOver(1)];
    for (const sku of ['a', 'b', 'c']) {
      for (const [partition, ledger] of [first, second].entries()) {
        const one = logged({ id: `${sku}-${partition}`, sku });
        const epoch = owners[partition]?.epoch ?? 0;
        const from = ['a', 'b', 'c'].indexOf(sku);
        await ledger.commit(pulseStep([one, one], { epoch, partition, from }));
      }
    }
    const filter = { tenant: null, sku: null, unit: null, from: 0, to: EVER };
    const rows = await first.usage(filter, [0, NOON * 2], 9);
    expect(rows.map(({ series, count }) => [series.sku, count])).toEqual([
      ['a', 2],
      ['b', 2],
      ['c', 2],
    ]);
  });

  test('lives beside the ledger of votes of the same schema, and apart from its log', async () => {
    await using pulses = await open();
    await using votes = await openPostgresLedger({ url, logId: 'votes' });
    await pulses.takeOver(0);
    expect((await votes.takeOver(0)).checkpoint).toEqual(START);
    const wrong = openPostgresPulseLedger({ url, logId: 'votes' });
    await expect(wrong).rejects.toMatchObject({ code: 'log_mismatch' });
  });

  test.each([
    'UPDATE pulse SET state = 9',
    `UPDATE pulse SET amount = 'NaN'`,
    `UPDATE pulse SET bytes = '\\xff'`,
    `UPDATE pulse_act SET kind = 'undo'`,
    'DROP TABLE pulse_repeat',
  ])('calls itself corrupt where it finds what it never writes: %s', async (sql) => {
    await using ledger = await open();
    const { epoch } = await ledger.takeOver(0);
    const one = logged();
    await ledger.commit(pulseStep([one], { epoch, acts: [amending(one, '2')] }));
    await execute(sql);
    const code = sql.includes('bytes') ? { code: 'block_invalid' } : corrupt;
    await expect(ledger.find(keyOf(one))).rejects.toMatchObject(code);
  });
});
