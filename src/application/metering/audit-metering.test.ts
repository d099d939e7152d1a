import { beforeEach, describe, expect, test } from 'bun:test';
import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { contract, priceOf } from '../../../test/support/rating-room.ts';
import { encodeTimeMark } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Pulse } from '../../domain/metering/pulse.ts';
import { encodePulseAct } from '../../domain/metering/pulse-act.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import { pulseKey } from '../../domain/metering/pulse-identity.ts';
import { USAGE_WINDOW_MS } from '../../domain/metering/usage.ts';
import {
  type AuditMeteringDeps,
  auditMetering,
  isMeteringBalanced,
  type MeteringAudit,
} from './audit-metering.ts';
import { AUDIT_LIMITS } from './audit-pulses.ts';

const NOON = Date.UTC(2026, 2, 5, 12);
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

let works: MeteringWorks;

beforeEach(async () => {
  works = new MeteringWorks('2026-03-05T13:00');
  await works.put('contract', contract('c-1', { prices: [priceOf('disk', '2')] }));
});

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}

function depsOf(more: Partial<AuditMeteringDeps> = {}): AuditMeteringDeps {
  return {
    log: works.pulseLog,
    ledger: works.ledger,
    book: works.book,
    usageLog: works.usageLog,
    view: works.view,
    clock: works.clock,
    digest: (text) => createHash('sha256').update(text).digest('hex'),
    sha256,
    limits: AUDIT_LIMITS,
    onProgress: () => {},
    pause: async () => {},
    ...more,
  };
}

async function audited(more: Partial<AuditMeteringDeps> = {}): Promise<MeteringAudit> {
  const audit = await auditMetering(depsOf(more));
  if (audit === null) throw new Error('There is nothing to audit.');
  return audit;
}

/** Each difference in a line. */
function told({ differences }: MeteringAudit): readonly string[] {
  return differences.map(({ store, partitions, series, window, what, expected, found }) => {
    const at = window === null ? '' : ` ${(window.from - NOON) / USAGE_WINDOW_MS}`;
    const of = series === null ? '' : ` ${series.tenant}/${series.sku}`;
    return `${store} ${partitions}${of}${at} ${what}: ${expected} | ${found}`;
  });
}

/** The object with some of its methods replaced. */
function altered<T extends object>(object: T, methods: Partial<T>): T {
  return new Proxy(object, {
    get(target, name) {
      const other = methods[name as keyof T];
      if (other !== undefined) return other;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

let acts = 0;
async function act(
  target: Pulse,
  amount: bigint | null,
  partition = 0,
  actId?: string,
): Promise<void> {
  acts += 1;
  const payload = encodePulseAct({
    kind: amount === null ? 'void' : 'amend',
    actId: actId ?? `act-${acts}`,
    target: pulseKey(target.tenant, target.source, target.id),
    amount,
    reason: 'misread',
    actor: 'ana',
    at: NOON,
  });
  await works.appendControl(partition, payload);
}

const calls = { sku: 'calls', unit: 'call' };

/** Two tenants in two partitions: pulses that come again, contradict, are voided, amended, and no pulses. */
async function live(): Promise<void> {
  await works.send(
    pulse('a', '0.1'),
    pulse('b', '2'),
    pulse('b', '3'),
    pulse('a', '0.1'),
    pulse('c', '-4', { occurredAt: NOON + DAY }),
    pulse('d', '5', calls),
  );
  await works.append(
    [
      ...['1', '2', '3'].map((id) => pulse(id, id, { tenant: 'beta' })),
      pulse('p1', '7', { occurredAt: NOON - 1 }),
    ].map(encodePulse),
    1,
  );
  await act(pulse('b', '2'), null);
  await act(pulse('d', '5', calls), 6n * 10n ** 18n);
  await act(pulse('d', '5', calls), 7n * 10n ** 18n);
  await act(pulse('nobody', '1'), null);
  await works.append([Uint8Array.of(0xff, 0xff), encodePulse(pulse('e', '8'))]);
  await works.pulseLog.append([
    { partition: 0, bytes: Uint8Array.of(1, 2, 3) },
    { partition: 0, bytes: encodeTimeMark(0, works.clock.now(), { writerId: 1n, sequence: 1 }) },
    { partition: 1, bytes: encodeTimeMark(0, works.clock.now(), { writerId: 1n, sequence: 2 }) },
  ]);
  await works.consume();
}

describe('an audit of metering', () => {
  test('of a log without a pulse is none', async () => {
    expect(await auditMetering(depsOf())).toBeNull();
  });

  test('says what it has compared, and that nothing differs', async () => {
    await live();
    const audit = await audited();
    expect(told(audit)).toEqual([]);
    expect(isMeteringBalanced(audit)).toBe(true);
    expect(audit).toMatchObject({
      logId: 'pulse-log',
      failure: null,
      ...{ tenants: 2, windows: 5, pulses: 9, forgotten: 0, deadLetters: 4, differing: 0 },
      rating: { onTheirWay: 0, isTooMuchOnItsWay: false, reckoned: 2, waiting: 0, charges: 1 },
    });
    expect(audit.partitions).toEqual([
      {
        ...{ partition: 0, blocks: 8, nextOffset: 8 },
        ...{ counted: 5, duplicates: 1, conflicts: 1, voided: 1, unreadable: 2 },
      },
      {
        ...{ partition: 1, blocks: 2, nextOffset: 2 },
        ...{ counted: 4, duplicates: 0, conflicts: 0, voided: 0, unreadable: 1 },
      },
    ]);
  });

  test('finds the same with hardly any memory: tenant by tenant, and a few keys at a time', async () => {
    await live();
    const limits = { keysAtOnceMax: 1, windowsAtOnceMax: 1 };
    expect(await audited({ limits })).toEqual(await audited());
  });

  test('finds nothing wrong whatever came in, in any blocks and partitions', async () => {
    const some = fc.record({
      id: fc.constantFrom('a', 'b', 'c', 'd', 'e'),
      tenant: fc.constantFrom('acme', 'beta'),
      sku: fc.constantFrom('disk', 'calls'),
      amount: fc.constantFrom('1', '-2.5', '0', '0.000000000000000001'),
      hour: fc.integer({ min: -30, max: 0 }),
      act: fc.constantFrom('none', 'none', 'void', 'amend'),
      endsBlock: fc.boolean(),
    });
    await fc.assert(
      fc.asyncProperty(
        fc.array(some, { minLength: 1, maxLength: 25 }),
        fc.nat(3),
        async (list, keys) => {
          works = new MeteringWorks('2026-03-05T13:00');
          let open: Uint8Array[] = [];
          const flush = async (partition: number): Promise<void> => {
            if (open.length > 0) await works.append(open, partition);
            open = [];
          };
          for (const { id, tenant, sku, amount, hour, act: kind, endsBlock } of list) {
            // A key lies in one partition: it is a hash of tenant and id that says which.
            const partition = tenant === 'acme' ? 0 : 1;
            const one = pulse(id, amount, { tenant, sku, occurredAt: NOON + hour * HOUR });
            open.push(encodePulse(one));
            await flush(partition);
            if (kind !== 'none') await act(one, kind === 'void' ? null : 9n, partition);
            if (endsBlock) await works.consume();
          }
          await works.consume();
          const limits = { keysAtOnceMax: 1 + keys, windowsAtOnceMax: 1 + keys };
          const audit = await audited({ limits });
          expect(told(audit)).toEqual([]);
          expect(audit.failure).toBeNull();
        },
      ),
      { numRuns: 60 },
    );
  });
});

describe('an audit of the pulse ledger', () => {
  beforeEach(live);

  test('names a window whose usage differs, with both values', async () => {
    const { ledger } = works;
    const usage: typeof ledger.usage = async (filter, bounds, rowsMax) =>
      (await ledger.usage(filter, bounds, rowsMax)).map((row) =>
        row.series.tenant === 'beta' && row.end - row.start === USAGE_WINDOW_MS
          ? { ...row, sum: row.sum + 1n }
          : row,
      );
    const audit = await audited({ ledger: altered(ledger, { usage }) });
    expect(isMeteringBalanced(audit)).toBe(false);
    expect(told(audit)).toEqual([
      'pulse ledger 1 beta/disk 0 usage: 6 in 3 | 6.000000000000000001 in 3',
      'rating book  beta/disk 0 usage: 6.000000000000000001 in 3 | 6 in 3',
    ]);
  });

  test('takes an act once, whatever comes under its id again', async () => {
    await act(pulse('a', '0.1'), 5n, 0, 'once');
    await act(pulse('a', '0.1'), 6n, 0, 'once');
    await act(pulse('e', '8'), null, 0, 'once');
    await works.consume();
    expect(told(await audited())).toEqual([]);
  });

  test('names every partition that a window’s pulses lie in', async () => {
    await works.append([encodePulse(pulse('x', '1'))], 1);
    await works.consume();
    const { ledger } = works;
    const usage: typeof ledger.usage = async () => [];
    expect(told(await audited({ ledger: altered(ledger, { usage }) }))).toContain(
      'pulse ledger 0,1 acme/disk 0 usage: 9.1 in 3 | 0 in 0',
    );
  });

  test('names usage that no pulse stands behind, and usage that is gone', async () => {
    const { ledger } = works;
    const usage: typeof ledger.usage = async (filter, bounds, rowsMax) => {
      const rows = await ledger.usage(filter, bounds, rowsMax);
      return rows.flatMap((row) => {
        if (row.series.tenant !== 'beta') return [row];
        return [{ ...row, series: { ...row.series, sku: 'bogus' } }];
      });
    };
    const audit = await audited({ ledger: altered(ledger, { usage }) });
    expect(told(audit).slice(0, 2)).toEqual([
      'pulse ledger 1 beta/disk 0 usage: 6 in 3 | 0 in 0',
      'pulse ledger  beta/bogus 0 usage: 0 in 0 | 6 in 3',
    ]);
  });

  test('names a window whose last amount is another', async () => {
    const { ledger } = works;
    const usage: typeof ledger.usage = async (filter, bounds, rowsMax) =>
      (await ledger.usage(filter, bounds, rowsMax)).map((row) =>
        row.series.tenant === 'beta' ? { ...row, last: 0n } : row,
      );
    const [line] = told(await audited({ ledger: altered(ledger, { usage }) }));
    expect(line).toBe(
      'pulse ledger 1 beta/disk 0 least, greatest and last amount: ' +
        `1, 3, ${lastOfBeta()} at 2026-03-05T12:00:00.000Z | 1, 3, 0 at 2026-03-05T12:00:00.000Z`,
    );
  });

  test('finds days that do not say what their windows say', async () => {
    const { ledger } = works;
    const usage: typeof ledger.usage = async (filter, bounds, rowsMax) =>
      (await ledger.usage(filter, bounds, rowsMax)).map((row) =>
        row.series.tenant === 'beta' && row.end - row.start === DAY
          ? { ...row, count: row.count + 1 }
          : row,
      );
    expect(told(await audited({ ledger: altered(ledger, { usage }) }))).toEqual([
      'pulse ledger 1 beta/disk -48 usage: 6 in 3 | 6 in 4',
    ]);
  });

  test('names books, keys and a position that are not the log’s', async () => {
    const { ledger } = works;
    const inventory: typeof ledger.inventory = async (partition) => {
      const found = await ledger.inventory(partition);
      if (partition === 1) return found;
      const books = { ...found.books, received: 8, conflicts: 2, voided: 0, deadLetters: 2 };
      const checkpoint = { ...found.checkpoint, lastBlockCrc: 7 };
      return { ...found, books, checkpoint, keys: 4 };
    };
    const [first, ...rest] = told(await audited({ ledger: altered(ledger, { inventory }) }));
    expect(first).toMatch(/^pulse ledger 0 checksum of the last block: \d+ \| 7$/);
    expect(rest).toEqual([
      'pulse ledger 0 pulses received: 7 | 8',
      'pulse ledger 0 conflicts: 1 | 2',
      'pulse ledger 0 pulses voided: 1 | 0',
      'pulse ledger 0 reports of dead letters: 3 | 2',
      'pulse ledger 0 keys that it knows: 5 | 4',
    ]);
  });

  test('names windows of which pulses are not held, are held twice, or say something else', async () => {
    const { ledger } = works;
    const pulses: typeof ledger.pulses = async (filter, cursor, limit) => {
      const page = await ledger.pulses(filter, cursor, limit);
      const found = page.pulses.flatMap((one) => {
        if (one.pulse.id === 'a') return [];
        if (one.pulse.id === 'c') return [one, one];
        return one.pulse.id === '1' ? [{ ...one, amount: 9n * 10n ** 18n }] : [one];
      });
      return { ...page, pulses: found };
    };
    expect(told(await audited({ ledger: altered(ledger, { pulses }) }))).toEqual([
      'held pulses 0 acme/disk 0 pulses that are held: 8.1 in 2 and 1 voided | 8 in 1 and 1 voided',
      'held pulses 0 acme/disk 96 pulses that are held: -4 in 1 and 0 voided | -8 in 2 and 0 voided',
      'held pulses 1 beta/disk 0 pulses that are held: 6 in 3 and 0 voided | 14 in 3 and 0 voided',
    ]);
  });

  test('takes pulses that were forgotten for what they are, and no others', async () => {
    await works.ledger.forget(NOON, NOON + USAGE_WINDOW_MS);
    const sound = await audited();
    expect(told(sound)).toEqual([]);
    expect(sound).toMatchObject({ pulses: 2, forgotten: 6 });
    const { ledger } = works;
    const pulses: typeof ledger.pulses = async (filter, cursor, limit) => ({
      ...(await ledger.pulses(filter, cursor, limit)),
      pulses: [],
    });
    expect(told(await audited({ ledger: altered(ledger, { pulses }) }))).toEqual([
      'held pulses 0 pulses that are not held any more: 3 | 4',
      'held pulses 1 pulses that are not held any more: 3 | 4',
    ]);
  });

  test('misses letters of what can not be taken', async () => {
    const get = async (): Promise<null> => null;
    const deadLetters = { get };
    const ledger = altered<AuditMeteringDeps['ledger']>(works.ledger, { deadLetters });
    expect(told(await audited({ ledger }))).toEqual([
      'dead letters 0 letter of what can not be taken in block 6: 1 | 0',
      'dead letters 0 letter of what can not be taken in block 5: 1 | 0',
      'dead letters 0 letter of what can not be taken in block 4: 1 | 0',
      'dead letters 1 letter of what can not be taken in block 1: 1 | 0',
    ]);
  });

  test('holds a ledger that moves on against the log where it then stands', async () => {
    const { ledger } = works;
    let comesIn = 3;
    const checkpoint: typeof ledger.checkpoint = async (partition) => {
      const found = await ledger.checkpoint(partition);
      // Pulses and acts come in between two questions.
      if (partition === 1 && comesIn > 0) {
        comesIn -= 1;
        const late = pulse(`late-${comesIn}`, '1', { occurredAt: NOON + comesIn * HOUR });
        await works.append([encodePulse(late)]);
        await act(late, comesIn === 0 ? null : 5n);
        await works.consume();
      }
      return found;
    };
    const audit = await audited({ ledger: altered(ledger, { checkpoint }) });
    expect(told(audit)).toEqual([]);
    // Books are of the position that was met first.
    expect(audit.partitions[0]).toMatchObject({ nextOffset: 8, counted: 5 });
    expect(comesIn).toBe(0);
  });

  test('takes pulses as they stood where usage was read, whatever acts come later', async () => {
    const { ledger } = works;
    let isRead = false;
    const pulses: typeof ledger.pulses = async (filter, cursor, limit) => {
      if (!isRead) {
        isRead = true;
        await act(pulse('a', '0.1'), null);
        await act(pulse('d', '5', calls), null);
        await works.send(pulse('new', '1'));
      }
      return ledger.pulses(filter, cursor, limit);
    };
    const audit = await audited({ ledger: altered(ledger, { pulses }) });
    expect(told(audit)).toEqual([]);
    expect(isRead).toBe(true);
  });

  test('says so where it never meets the ledger at rest', async () => {
    const { ledger } = works;
    let moves = 0;
    const checkpoint: typeof ledger.checkpoint = async (partition) => {
      moves += 1;
      return { ...(await ledger.checkpoint(partition)), nextOffset: 100 + moves };
    };
    const audit = await audited({ ledger: altered(ledger, { checkpoint }) });
    expect(audit.failure).toMatchObject({ code: 'not_ready' });
    expect(isMeteringBalanced(audit)).toBe(false);
  });

  test('says so where the ledger is emptied meanwhile', async () => {
    const { ledger } = works;
    const checkpoint: typeof ledger.checkpoint = async (partition) => ({
      ...(await ledger.checkpoint(partition)),
      nextOffset: 0,
    });
    const audit = await audited({ ledger: altered(ledger, { checkpoint }) });
    expect(audit.failure?.message).toContain('emptied');
  });

  test('says so where the log ends before the ledger', async () => {
    works.ledger[Symbol.asyncDispose]();
    const other = new MeteringWorks('2026-03-05T13:00');
    await other.send(pulse('a', '1'));
    const audit = await audited({ log: other.pulseLog });
    expect(audit.failure).toMatchObject({ code: 'log_rewound' });
    expect(isMeteringBalanced(audit)).toBe(false);
  });

  test('throws what the stores throw', async () => {
    const inventory = async (): Promise<never> => {
      throw new ApuraError('store_unavailable', 'gone');
    };
    const ledger = altered(works.ledger, { inventory });
    await expect(auditMetering(depsOf({ ledger }))).rejects.toMatchObject({
      code: 'store_unavailable',
    });
    const read = async (): Promise<never> => {
      throw new Error('broken');
    };
    const log = altered<AuditMeteringDeps['log']>(works.pulseLog, { read });
    await expect(auditMetering(depsOf({ log }))).rejects.toThrow('broken');
  });

  /** Of the pulses of one instant the one with the greatest key. */
  function lastOfBeta(): string {
    const ids = ['1', '2', '3'];
    const keyed = ids.map((id) => [pulseKey('beta', 'meter', id), id] as const).sort();
    return keyed.at(-1)?.[1] ?? '';
  }
});

describe('an audit of rating', () => {
  beforeEach(live);

  test('names usage that the book has otherwise', async () => {
    const { book } = works;
    const usage: typeof book.usage = async (filter, bounds, rowsMax) =>
      (await book.usage(filter, bounds, rowsMax)).filter(({ series }) => series.sku !== 'calls');
    const audit = await audited({ book: altered(book, { usage }) });
    expect(told(audit).slice(0, 1)).toEqual(['rating book  acme/calls 0 usage: 7 in 1 | 0 in 0']);
  });

  test('names a tenant of the book whom the ledger does not know', async () => {
    await works.use('disk', '2026-03-05', '5', 1, 'ghost');
    await works.rate();
    const [line] = told(await audited());
    expect(line).toMatch(/^rating book {2}ghost\/disk .* usage: 0 in 0 \| 5 in 1$/);
  });

  test('leaves usage aside that is pending, or on its way through the log', async () => {
    await works.append([encodePulse(pulse('late', '1'))]);
    // Into the ledger, and not further: rating does not take it in.
    const { book } = works;
    const positions = await Promise.all([0].map((one) => book.checkpoint(one)));
    const before = await book.usage(
      { tenant: null, sku: null, unit: null, from: 0, to: NOON + 9 * DAY },
      [0, NOON, NOON + USAGE_WINDOW_MS, NOON + 9 * DAY - (NOON % USAGE_WINDOW_MS)],
      99,
    );
    expect(before.length).toBeGreaterThan(0);
    works.parts.trigger();
    await Bun.sleep(0);
    const old: typeof book = altered(book, { checkpoint: async () => positions[0] ?? never() });
    const audit = await audited({ book: old });
    expect(told(audit)).toEqual([]);
    expect(audit.rating).toMatchObject({ onTheirWay: 1, reckoned: 1, waiting: 1 });
  });

  test('compares no usage where more is pending than it can tell apart', async () => {
    const { ledger } = works;
    const record = {
      ...{ series: { tenant: 'acme', sku: 'disk', unit: 'GiB' }, start: NOON, partition: 0 },
      ...{ version: 1, sum: 1n, count: 1, min: 1n, max: 1n, last: 1n, lastAt: 1, lastKey: '' },
    };
    const pendingUsage: typeof ledger.pendingUsage = async (_, limit) =>
      Array.from({ length: limit }, () => record);
    const audit = await audited({ ledger: altered(ledger, { pendingUsage }) });
    expect(audit.rating).toMatchObject({ isTooMuchOnItsWay: true, reckoned: 0, waiting: 2 });
  });

  test('looks again before it says that something differs', async () => {
    const { book } = works;
    let looks = 0;
    const usage: typeof book.usage = async (filter, bounds, rowsMax) =>
      looks === 0 ? [] : book.usage(filter, bounds, rowsMax);
    let pauses = 0;
    const pause = async (): Promise<void> => {
      pauses += 1;
      looks += 1;
    };
    // Usage comes to rating without a log of its own.
    const audit = await audited({ book: altered(book, { usage }), pause, usageLog: null });
    expect(told(audit)).toEqual([]);
    expect(pauses).toBe(1);
  });

  test('names charges that are not what usage and terms come to', async () => {
    const { book } = works;
    const charges: typeof book.charges = async (filter, cursor, limit) => {
      const page = await book.charges(filter, cursor, limit);
      const changed = page.charges.map((one) => ({ ...one, rounded: { mantissa: 1n, scale: 2 } }));
      return { ...page, charges: changed };
    };
    const [line, ...more] = told(await audited({ book: altered(book, { charges }) }));
    expect(more).toEqual([]);
    expect(line).toMatch(
      /^charges {2}acme\/disk .* charge \w+: 22\.20 EUR for 11\.1 in 4 \| 0\.01 EUR for 11\.1 in 4$/,
    );
    const gone: typeof book.charges = async () => ({ charges: [], nextCursor: null });
    expect(told(await audited({ book: altered(book, { charges: gone }) }))).toEqual([
      expect.stringMatching(/22\.20 EUR for 11\.1 in 4 \| none$/),
    ]);
  });

  test('leaves tenants aside that wait to be rated', async () => {
    await works.book.makeDue('acme', NOON, NOON + HOUR);
    const audit = await audited();
    expect(told(audit)).toEqual([]);
    expect(audit.rating).toMatchObject({ reckoned: 1, waiting: 1 });
  });

  test('passes over blocks of the usage log that bring none', async () => {
    const { usageLog } = works;
    const bytes = encodeTimeMark(0, works.clock.now(), { writerId: 1n, sequence: 1 });
    await usageLog.append([
      { partition: 0, bytes },
      { partition: 0, bytes: Uint8Array.of(1) },
    ]);
    expect(told(await audited())).toEqual([]);
    // An end that was seen, and a leader that does not give the blocks yet.
    const read = async (): Promise<readonly never[]> => [];
    const slow = altered<typeof usageLog>(usageLog, { read });
    expect(told(await audited({ usageLog: slow }))).toEqual([]);
    const broken = altered<typeof usageLog>(usageLog, {
      read: async () => [
        {
          offset: 0,
          get bytes(): Uint8Array {
            throw new Error('broken');
          },
        },
      ],
    });
    await expect(auditMetering(depsOf({ usageLog: broken }))).rejects.toThrow('broken');
  });
});

function never(): never {
  throw new Error('There is a position.');
}
