import { expect, test } from 'bun:test';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { at } from '../../../test/support/rating-room.ts';
import { formatAmount } from '../../domain/metering/amount.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import { LEDGER_ROWS_MAX, queryUsage, USAGE_ROWS_MAX, type UsageQuestion } from './query-usage.ts';

const QUESTION: UsageQuestion = {
  tenant: null,
  sku: null,
  unit: null,
  from: at('2026-03-05'),
  to: at('2026-03-07'),
  granularity: 'P1D',
  timeZone: 'UTC',
  groupBy: [],
};

async function told(room: MeteringWorks, more: Partial<UsageQuestion>): Promise<readonly string[]> {
  const answer = await room.useCases.usage({ ...QUESTION, ...more });
  if (answer.kind !== 'ok') return answer.problems.map(({ pointer }) => pointer);
  return answer.rows.map(({ from, to, tenant, sku, unit, sum, count, min, max, last }) => {
    const span = `${new Date(from).toISOString().slice(5, 13)}/${new Date(to).toISOString().slice(5, 13)}`;
    const amounts = [sum, min, max, last].map(formatAmount).join(' ');
    return `${span} ${tenant} ${sku} ${unit} ${amounts} ${count}`;
  });
}

async function usedRoom(): Promise<MeteringWorks> {
  const room = new MeteringWorks('2026-03-10');
  await room.send(
    pulse('1', '1', { occurredAt: at('2026-03-05T23:30') }),
    pulse('2', '2.5', { tenant: 'zoo', occurredAt: at('2026-03-05T01:00') }),
    pulse('3', '4', { sku: 'cpu', occurredAt: at('2026-03-06T12:00') }),
    pulse('4', '8', { unit: 'h', occurredAt: at('2026-03-06T12:00') }),
  );
  return room;
}

test('usage is told apart by unit and window, and by what the question names', async () => {
  const room = await usedRoom();
  expect(await told(room, {})).toEqual([
    '03-05T00/03-06T00 null null GiB 3.5 1 2.5 1 2',
    '03-06T00/03-07T00 null null GiB 4 4 4 4 1',
    '03-06T00/03-07T00 null null h 8 8 8 8 1',
  ]);
  expect(await told(room, { groupBy: ['tenant'] })).toEqual([
    '03-05T00/03-06T00 acme null GiB 1 1 1 1 1',
    '03-06T00/03-07T00 acme null GiB 4 4 4 4 1',
    '03-06T00/03-07T00 acme null h 8 8 8 8 1',
    '03-05T00/03-06T00 zoo null GiB 2.5 2.5 2.5 2.5 1',
  ]);
  expect(await told(room, { tenant: 'acme', unit: 'GiB', groupBy: ['sku', 'unit'] })).toEqual([
    '03-06T00/03-07T00 null cpu GiB 4 4 4 4 1',
    '03-05T00/03-06T00 null disk GiB 1 1 1 1 1',
  ]);
});

test('windows are days and months of the zone, the first and the last one cut', async () => {
  const room = await usedRoom();
  expect(await told(room, { sku: 'disk', unit: 'GiB', timeZone: 'Europe/Berlin' })).toEqual([
    '03-05T00/03-05T23 null null GiB 2.5 2.5 2.5 2.5 1',
    '03-05T23/03-06T23 null null GiB 1 1 1 1 1',
  ]);
  expect(await told(room, { unit: 'h', granularity: 'P1M' })).toEqual([
    '03-05T00/03-07T00 null null h 8 8 8 8 1',
  ]);
});

test('a question that can not be answered says why', async () => {
  const room = new MeteringWorks('2026-03-10');
  expect(await told(room, { from: 1 })).toEqual(['/from']);
  expect(await told(room, { to: QUESTION.from })).toEqual(['/to']);
  expect(await told(room, { to: 7, timeZone: 'Mars/Olympus' })).toEqual([
    '/to',
    '/to',
    '/timeZone',
  ]);
  const long = { granularity: 'PT1H', to: at('2036-03-05') } as const;
  expect(await told(room, long)).toEqual(['/granularity']);
});

test('more rows than one answer may have are refused, however few windows they are of', async () => {
  const room = await usedRoom();
  const { clock, ledger } = room;
  const { pulses } = room.parts;
  const [row] = await ledger.usage(QUESTION, [QUESTION.from, QUESTION.to], 99);
  if (row === undefined) throw new Error('Nothing was used.');
  const { series } = row;
  const ask = (rows: number, groupBy: UsageQuestion['groupBy']) => {
    const found = Array.from({ length: rows }, (_, n) => ({
      ...row,
      series: { ...series, sku: `${n}` },
    }));
    const crowded = { checkpoint: ledger.checkpoint.bind(ledger), usage: async () => found };
    return queryUsage({ ledger: crowded, pulses, clock }, { ...QUESTION, groupBy });
  };
  expect(await ask(USAGE_ROWS_MAX, ['sku'])).toMatchObject({ kind: 'ok' });
  await expect(ask(USAGE_ROWS_MAX + 1, ['sku'])).rejects.toMatchObject({ code: 'too_many_rows' });
  // Put together they are one row.
  expect(await ask(USAGE_ROWS_MAX + 1, [])).toMatchObject({ rows: [{ count: 20_001 }] });
  let asked = 0;
  const watched = {
    checkpoint: ledger.checkpoint.bind(ledger),
    usage: async (...[, , rowsMax]: Parameters<typeof ledger.usage>) => {
      asked = rowsMax;
      return [];
    },
  };
  await queryUsage({ ledger: watched, pulses, clock }, QUESTION);
  expect(asked).toBe(LEDGER_ROWS_MAX);
});

test('what is answered is as of now where the ledger has applied the log, and of its log time where not', async () => {
  const room = await usedRoom();
  const asOf = async (): Promise<string> => {
    const answer = await room.useCases.usage(QUESTION);
    return answer.kind === 'ok' ? new Date(answer.asOf).toISOString().slice(0, 16) : answer.kind;
  };
  room.clock.advance(60_000);
  expect(await asOf()).toBe('2026-03-10T00:01');
  await room.append([encodePulse(pulse('5', '1'))], 1);
  room.clock.advance(60_000);
  // Partition 1 has brought nothing yet: of it nothing is known.
  expect(await asOf()).toBe('1970-01-01T00:00');
  await room.consume();
  expect(await asOf()).toBe('2026-03-10T00:02');
  await room.append([encodePulse(pulse('6', '1'))], 0);
  expect(await asOf()).toBe('2026-03-10T00:00');
});

test('the instant that is answered lies before everything that it is judged by', async () => {
  const room = await usedRoom();
  const { ledger, clock } = room;
  const { pulses } = room.parts;
  const slow = {
    ...pulses,
    end: async (partition: number) => {
      const end = await pulses.end(partition);
      // While the ends are asked time passes, and more comes in.
      clock.advance(1_000);
      await room.append([encodePulse(pulse(`late-${partition}`, '1'))], partition);
      return end;
    },
  };
  const before = clock.now();
  const answer = await queryUsage({ ledger, pulses: slow, clock }, QUESTION);
  expect(answer).toMatchObject({ kind: 'ok', asOf: before });
});
