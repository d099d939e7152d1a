import { beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { HandTurnedLoop, HeldLog, settled } from '../../../test/support/hand-turned-loop.ts';
import {
  type ContractPulse,
  contractPulse,
  contractPulses,
  NOW,
  naiveRejection,
  writePulse,
  writeRequest,
} from '../../../test/support/pulse-messages.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import { MemoryEventLog, MemoryLogStore } from '../../adapters/memory/event-log.ts';
import { type Block, decodeBlock } from '../../domain/counting/block.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Pulse } from '../../domain/metering/pulse.ts';
import { decodePulse } from '../../domain/metering/pulse-codec.ts';
import { decodePulses } from '../../domain/metering/pulse-columns.ts';
import { PULSE_BLOCK_BYTES_MAX } from '../../domain/metering/pulse-packer.ts';
import type { EventLog } from '../../ports/event-log.ts';
import { type IngestOutcome, PulseDoor } from './pulse-door.ts';
import {
  PENDING_PULSE_BYTES_MAX,
  PENDING_PULSES_MAX,
  PULSE_BATCH_BYTES_MAX,
  PULSE_BATCH_DELAY_MS,
  PulseWriter,
  type PulseWriterLimits,
} from './pulse-writer.ts';

const LIMITS: PulseWriterLimits = {
  batchDelayMs: PULSE_BATCH_DELAY_MS,
  batchBytesMax: PULSE_BATCH_BYTES_MAX,
  pendingPulsesMax: PENDING_PULSES_MAX,
  pendingBytesMax: PENDING_PULSE_BYTES_MAX,
  acceptanceBoundMs: 5_000,
};
const ANYBODY = { tenant: null, canBackfill: false };
const ACME = { tenant: 'acme', canBackfill: false };

let clock: ManualClock;
let loop: HandTurnedLoop;
let log: EventLog;
let held: HeldLog;
let failures: ApuraError[];

beforeEach(() => prepare(3));

function prepare(partitions: number): void {
  clock = new ManualClock(NOW);
  loop = new HandTurnedLoop(clock);
  log = new MemoryEventLog(new MemoryLogStore('log', partitions));
  held = new HeldLog(log);
  failures = [];
}

function writerOn(target: EventLog, limits: Partial<PulseWriterLimits> = {}): PulseWriter {
  return new PulseWriter({
    log: target,
    clock,
    loop,
    writerId: 0xabcn,
    limits: { ...LIMITS, ...limits },
    onFailure: (error) => failures.push(error),
  });
}

function doorOn(
  target: EventLog,
  limits: Partial<PulseWriterLimits> = {},
): { readonly door: PulseDoor; readonly writer: PulseWriter } {
  const writer = writerOn(target, limits);
  const { partitions } = target.description;
  return { writer, door: new PulseDoor({ writer, clock, partitions }) };
}

/** Turns the loop until the door has answered. */
async function answered(outcome: Promise<IngestOutcome>): Promise<IngestOutcome> {
  await loop.turn();
  await loop.turn();
  return outcome;
}

async function stateOf(outcome: Promise<IngestOutcome>): Promise<IngestOutcome | 'waiting'> {
  await settled();
  return Promise.race([outcome, Promise.resolve('waiting' as const)]);
}

async function blocksOf(partition: number): Promise<Block[]> {
  const blocks = await log.read(partition, 0, Number.MAX_SAFE_INTEGER);
  return blocks.map(({ bytes }) => decodeBlock(bytes));
}

/** Every message of the log, partition by partition. */
async function messages(): Promise<Uint8Array[][]> {
  const all: Uint8Array[][] = [];
  for (let partition = 0; partition < log.description.partitions; partition += 1) {
    const blocks = await blocksOf(partition);
    const { columns, failures: unread } = decodePulses(
      blocks.flatMap((block, offset) => (block.kind === 'pulses' ? [{ offset, block }] : [])),
    );
    expect(unread).toEqual([]);
    all.push(
      Array.from({ length: columns.count }, (_, at) =>
        columns.bytes.subarray(columns.start[at], columns.end[at]),
      ),
    );
  }
  return all;
}

async function logged(): Promise<Pulse[][]> {
  return (await messages()).map((partition) => partition.map(decodePulse));
}

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');
const idsOf = (pulses: readonly (readonly Pulse[])[]): string[] =>
  pulses.flat().map(({ id }) => id);
const sorted = (ids: readonly string[]): string[] => ids.toSorted();
/** Field 3 alone. */
const writeTenant = (tenant: string): Uint8Array =>
  Uint8Array.of(0x1a, tenant.length, ...Buffer.from(tenant));
const numbered = (count: number, fields: Partial<ContractPulse> = {}): ContractPulse[] =>
  Array.from({ length: count }, (_, n) => contractPulse({ id: `pulse-${n}`, ...fields }));

describe('an answer', () => {
  test('says of every pulse what the rules say, and the log holds those that were taken, as sent', async () => {
    const requests = fc.array(fc.array(contractPulses, { minLength: 1, maxLength: 15 }), {
      minLength: 1,
      maxLength: 4,
    });
    await fc.assert(
      fc.asyncProperty(requests, fc.constantFrom(null, 'acme'), async (given, tenant) => {
        prepare(3);
        const { door, writer } = doorOn(log);
        const caller = { tenant, canBackfill: false };
        const outcomes = given.map((pulses) => door.ingest(writeRequest(pulses), caller));
        await writer.drain();
        const taken: ContractPulse[] = [];
        for (const [index, pulses] of given.entries()) {
          const rejections = pulses.flatMap((pulse, at) => {
            const naive = { tenant, allowsBackfill: false };
            const code = naiveRejection(writePulse(pulse), naive);
            if (code === null) taken.push(pulse);
            return code === null ? [] : [{ index: at, code }];
          });
          expect(await outcomes[index]).toEqual({
            kind: 'taken',
            count: pulses.length,
            rejections,
          });
        }
        const sent = taken.map((pulse) => {
          const added = tenant === null || pulse.tenant !== '' ? '' : hex(writeTenant(tenant));
          return hex(writePulse(pulse)) + added;
        });
        expect(sorted((await messages()).flat().map(hex))).toEqual(sorted(sent));
      }),
      { numRuns: 150 },
    );
  });

  test('waits for the log, and is of no one pulse before', async () => {
    const { door, writer } = doorOn(held.asLog());
    const outcome = door.ingest(writeRequest(numbered(30)), ANYBODY);
    await loop.turn();
    await loop.turn();
    expect(held.appends).toHaveLength(1);
    expect(await stateOf(outcome)).toBe('waiting');
    expect(writer.pending).toBe(30);
    await held.appends[0]?.release();
    expect(await stateOf(outcome)).toEqual({ kind: 'taken', count: 30, rejections: [] });
    expect(writer.pending).toBe(0);
    expect(sorted(idsOf(await logged()))).toEqual(sorted(numbered(30).map(({ id }) => id)));
  });

  test('comes at once where no pulse is good, and the log is left alone', async () => {
    const { door } = doorOn(held.asLog());
    const request = writeRequest([contractPulse({ id: '' }), contractPulse({ usedAmount: 'x' })]);
    expect(await door.ingest(request, ANYBODY)).toEqual({
      kind: 'taken',
      count: 2,
      rejections: [
        { index: 0, code: 'id_missing' },
        { index: 1, code: 'amount_invalid' },
      ],
    });
    expect(held.appends).toHaveLength(0);
  });

  test.each<[Exclude<IngestOutcome['kind'], 'taken'>, Uint8Array]>([
    ['malformed', Uint8Array.of(0x0a, 9)],
    ['empty', new Uint8Array(0)],
    ['too_many', writeRequest(numbered(1_001))],
    ['backfill_forbidden', writeRequest([contractPulse()], true)],
  ])('of %s means that nothing was logged', async (kind, request) => {
    const { door } = doorOn(held.asLog());
    expect(await door.ingest(request, ANYBODY)).toEqual({ kind });
    await loop.turn();
    await loop.turn();
    expect(held.appends).toHaveLength(0);
  });

  test('is unknown once the acceptance bound has passed, also where the log then confirms', async () => {
    const { door, writer } = doorOn(held.asLog());
    const outcome = door.ingest(writeRequest(numbered(2)), ANYBODY);
    await loop.turn();
    await loop.turn();
    await loop.pass(4_999);
    expect(await stateOf(outcome)).toBe('waiting');
    await loop.pass(1);
    expect(await stateOf(outcome)).toEqual({ kind: 'unknown' });
    expect(writer.pending).toBe(2);
    await held.appends[0]?.release();
    expect(writer.pending).toBe(0);
  });

  test.each([
    ['log_unavailable', 'unavailable', 0],
    ['append_unknown', 'unknown', 0],
    ['log_failed', 'unknown', 1],
  ] as const)('where the log says %s is %s', async (code, kind, told) => {
    const { door } = doorOn(held.asLog());
    const outcome = door.ingest(writeRequest(numbered(2)), ANYBODY);
    await loop.turn();
    await loop.turn();
    await held.appends[0]?.fail(new ApuraError(code, 'said the test'));
    expect(await stateOf(outcome)).toEqual({ kind });
    expect(failures).toHaveLength(told);
    const next = door.ingest(writeRequest(numbered(1)), ANYBODY);
    await loop.turn();
    await loop.turn();
    await held.appends[1]?.release();
    expect(await stateOf(next)).toMatchObject({ kind: 'taken' });
    expect(idsOf(await logged())).toEqual(['pulse-0']);
  });
});

describe('the door', () => {
  test('adds the caller’s tenant where a pulse has none, and to no other', async () => {
    const { door } = doorOn(log);
    const pulses = [contractPulse({ tenant: '', id: 'a' }), contractPulse({ id: 'b' })];
    await answered(door.ingest(writeRequest(pulses), ACME));
    const taken = (await logged()).flat();
    expect(taken.map(({ tenant }) => tenant)).toEqual(['acme', 'acme']);
  });

  test('lays a pulse where a retry meets it, whoever names the tenant', async () => {
    const { door } = doorOn(log);
    await answered(door.ingest(writeRequest(numbered(40)), ANYBODY));
    await answered(door.ingest(writeRequest(numbered(40, { tenant: '' })), ACME));
    const [pulses, ...others] = (await logged()).filter(({ length }) => length > 0);
    expect(others).toEqual([]);
    const ids = numbered(40).map(({ id }) => id);
    expect(pulses?.map(({ id }) => id)).toEqual([...ids, ...ids]);
  });

  test('reads nothing of a request once it waits for the log', async () => {
    const { door } = doorOn(held.asLog());
    const request = writeRequest([contractPulse(), contractPulse({ id: '' })]);
    const outcome = door.ingest(request, ANYBODY);
    request.fill(0xff);
    const other = door.ingest(writeRequest(numbered(3)), ANYBODY);
    await loop.turn();
    await loop.turn();
    await held.appends[0]?.release();
    expect(await stateOf(outcome)).toMatchObject({ rejections: [{ index: 1 }], count: 2 });
    expect(await stateOf(other)).toMatchObject({ rejections: [], count: 3 });
    expect(idsOf(await logged())).toHaveLength(4);
  });

  test('takes no more than may wait, by number and by bytes, and takes again once there is room', async () => {
    const request = writeRequest(numbered(10));
    const bytes = numbered(10).reduce((sum, pulse) => sum + writePulse(pulse).length, 0);
    for (const limits of [{ pendingPulsesMax: 25 }, { pendingBytesMax: Math.floor(bytes * 2.5) }]) {
      prepare(3);
      const { door } = doorOn(held.asLog(), limits);
      const first = [door.ingest(request, ANYBODY), door.ingest(request, ANYBODY)];
      expect(await door.ingest(request, ANYBODY)).toEqual({ kind: 'overloaded' });
      await loop.turn();
      await loop.turn();
      await held.appends[0]?.release();
      for (const outcome of first) expect(await stateOf(outcome)).toMatchObject({ kind: 'taken' });
      expect(await stateOf(door.ingest(request, ANYBODY))).toBe('waiting');
      expect((await logged()).flat()).toHaveLength(20);
    }
  });
});

describe('an append', () => {
  test('is of all requests that come together, one block a partition', async () => {
    const { door } = doorOn(held.asLog());
    for (const source of ['a', 'b']) {
      const pulses = numbered(20, { source }).map((pulse) => ({ ...pulse, tenant: pulse.id }));
      void door.ingest(writeRequest(pulses), ANYBODY);
    }
    await loop.turn();
    await loop.turn();
    expect(held.appends).toHaveLength(1);
    expect(held.appends[0]?.blocks.map(({ partition }) => partition)).toEqual([0, 1, 2]);
  });

  test('goes without waiting once its batch is full', async () => {
    const bytes = numbered(5).reduce((sum, pulse) => sum + writePulse(pulse).length, 0);
    const { door } = doorOn(held.asLog(), { batchBytesMax: 2 * bytes });
    void door.ingest(writeRequest(numbered(5)), ANYBODY);
    expect(held.appends).toHaveLength(0);
    void door.ingest(writeRequest(numbered(5)), ANYBODY);
    expect(held.appends).toHaveLength(1);
  });

  test('has several blocks of a partition where one would be too large, and loses no pulse', async () => {
    prepare(2);
    const { door, writer } = doorOn(log, { batchBytesMax: 2 ** 30 });
    const attributes = Object.fromEntries(
      Array.from({ length: 15 }, (_, n) => [`a${n}`, 'x'.repeat(256)]),
    );
    const tenants = ['acme', 'bravo'];
    const pulses = numbered(1_000, { attributes }).map((pulse, n) => {
      return { ...pulse, tenant: tenants[n % tenants.length] ?? '' };
    });
    const outcome = door.ingest(writeRequest(pulses), ANYBODY);
    clock.advance(1);
    await writer.drain();
    expect(await outcome).toMatchObject({ kind: 'taken', count: 1_000, rejections: [] });
    for (const partition of [0, 1]) {
      const blocks = await blocksOf(partition);
      expect(blocks.length).toBeGreaterThan(3);
      for (const block of blocks) {
        if (block.kind !== 'pulses') throw new Error(`a block of ${block.kind}`);
        expect(block.payload.length).toBeLessThanOrEqual(PULSE_BLOCK_BYTES_MAX);
        expect(block).toMatchObject({ partition, writerId: 0xabcn });
      }
      const { length } = blocks;
      expect(blocks.map(({ blockTime }) => blockTime)).toEqual([
        ...new Array<number>(length - 1).fill(NOW),
        NOW + 1,
      ]);
      expect(new Set(blocks.map(({ sequence }) => sequence)).size).toBe(length);
    }
    expect(sorted(idsOf(await logged()))).toEqual(sorted(pulses.map(({ id }) => id)));
  });

  test('of a record or a time mark stands by itself', async () => {
    const writer = writerOn(log);
    expect(await writer.appendControl(1, Uint8Array.of(1, 2, 3))).toBe(0);
    clock.advance(5);
    expect(await writer.appendTimeMark(1)).toBe(1);
    expect(await blocksOf(1)).toMatchObject([
      { kind: 'control', partition: 1, blockTime: NOW, payload: Uint8Array.of(1, 2, 3) },
      { kind: 'time-mark', partition: 1, blockTime: NOW + 5 },
    ]);
  });
});
