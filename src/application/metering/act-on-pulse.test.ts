import { expect, test } from 'bun:test';
import { MeteringWorks, pulse } from '../../../test/support/metering-works.ts';
import { contract, priceOf } from '../../../test/support/rating-room.ts';
import { formatAmount } from '../../domain/metering/amount.ts';
import { encodePulse } from '../../domain/metering/pulse-codec.ts';
import { pulseKey } from '../../domain/metering/pulse-identity.ts';
import {
  ACT_WAIT_MS,
  type ActOnPulseDeps,
  actOnPulse,
  type PulseActInput,
} from './act-on-pulse.ts';

const NAME = { tenant: 'acme', source: 'meter', id: 'p' };
const VOID: PulseActInput = {
  ...NAME,
  act: 'void',
  body: { reason: 'A test.', actId: 'act-1' },
  idempotencyKey: null,
  actor: 'ann',
};
const AMEND: PulseActInput = {
  ...VOID,
  act: 'amend',
  body: { reason: 'Read wrongly.', amount: '-2.50', actId: 'act-2' },
};

async function roomWith(...ids: readonly string[]): Promise<MeteringWorks> {
  const room = new MeteringWorks('2026-03-10');
  await room.put('contract', contract('gold', { prices: [priceOf('disk', '2')] }));
  await room.send(...ids.map((id) => pulse(id, '5')));
  return room;
}

/** The use case with a ledger that comes to the act only when `apply` says so. */
function depsOf(room: MeteringWorks, apply: () => Promise<void>): ActOnPulseDeps {
  const { ledger, catalogue, clock } = room;
  let next = 0;
  return {
    ledger,
    catalogue,
    clock,
    appendControl: (partition, payload) => room.appendControl(partition, payload),
    trigger: () => {},
    newActId: () => {
      next += 1;
      return `made-${next}`;
    },
    sleep: async (ms) => {
      clock.advance(ms);
      await apply();
    },
  };
}

async function usedBy(room: MeteringWorks): Promise<string> {
  await room.consume();
  return (await room.told()).join();
}

test('a voided pulse counts no more, an amended one with its new amount, and both are on record', async () => {
  const room = await roomWith('p', 'q');
  expect(await usedBy(room)).toBe('gold 03-01: disk 10 = 20.00 EUR');
  const voided = await room.useCases.actOnPulse(VOID);
  expect(voided).toMatchObject({
    kind: 'ok',
    actId: 'act-1',
    pending: false,
    pulse: { state: 'voided', acts: [{ actId: 'act-1', reason: 'A test.', actor: 'ann' }] },
  });
  expect(await usedBy(room)).toBe('gold 03-01: disk 5 = 10.00 EUR');
  const amended = await room.useCases.actOnPulse(AMEND);
  if (amended.kind !== 'ok') throw new Error(amended.kind);
  expect(formatAmount(amended.pulse.amount)).toBe('-2.5');
  expect(await usedBy(room)).toBe('gold 03-01: disk 2.5 = 5.00 EUR');
  const { acts } = await room.useCases.acts('acme', null, 10);
  const id = pulseKey('acme', 'meter', 'p');
  expect(acts).toEqual([
    {
      ...{ at: room.clock.now(), actor: 'ann', act: 'amend', kind: 'pulse', id, tenant: 'acme' },
      detail: 'Read wrongly.',
    },
    {
      ...{ at: room.clock.now(), actor: 'ann', act: 'void', kind: 'pulse', id, tenant: 'acme' },
      detail: 'A test.',
    },
  ]);
});

test('the same act again changes nothing, not even after a later one', async () => {
  const room = await roomWith('p');
  await room.useCases.actOnPulse(VOID);
  await room.useCases.actOnPulse(AMEND);
  const { end } = await room.pulseLog.bounds(0);
  const again = await room.useCases.actOnPulse(VOID);
  expect(again).toMatchObject({ kind: 'ok', pending: false, pulse: { state: 'counted' } });
  expect((await room.pulseLog.bounds(0)).end).toBe(end);
  expect((await room.useCases.acts(null, null, 10)).acts).toHaveLength(3);
});

test("an act whose id was another act's is not done, and says so", async () => {
  const room = await roomWith('p', 'q');
  await room.useCases.actOnPulse(VOID);
  const body = { reason: 'Other.', amount: '1', actId: 'act-1' };
  expect(await room.useCases.actOnPulse({ ...AMEND, body })).toEqual({
    kind: 'act_id_taken',
    actId: 'act-1',
  });
  // The other pulse lies in the same partition, which knows the id.
  expect(await room.useCases.actOnPulse({ ...VOID, id: 'q' })).toEqual({
    kind: 'act_id_taken',
    actId: 'act-1',
  });
  const found = await room.useCases.pulse({ ...NAME, id: 'q' });
  expect(found).toMatchObject({ kind: 'ok', pulse: { state: 'counted', acts: [] } });
});

test('an amendment under the id of another amount is not taken for it', async () => {
  const room = await roomWith('p');
  await room.useCases.actOnPulse(AMEND);
  const body = { reason: 'Read wrongly.', amount: '2.50', actId: 'act-2' };
  expect(await room.useCases.actOnPulse({ ...AMEND, body })).toMatchObject({
    kind: 'act_id_taken',
  });
});

test("the Idempotency-Key is the act's id where the body names none; without both it has one of its own", async () => {
  const room = await roomWith('p');
  const body = { reason: 'A test.' };
  const keyed = { ...VOID, body, idempotencyKey: 'key-1' };
  expect(await room.useCases.actOnPulse(keyed)).toMatchObject({ kind: 'ok', actId: 'key-1' });
  expect(await room.useCases.actOnPulse({ ...VOID, body })).toMatchObject({
    actId: expect.stringMatching(/^[0-9a-f-]{36}$/),
  });
  expect(await room.useCases.actOnPulse({ ...VOID, idempotencyKey: 'key-2' })).toMatchObject({
    kind: 'invalid',
    problems: [{ pointer: '/actId' }],
  });
  expect(await room.useCases.actOnPulse({ ...keyed, idempotencyKey: 'a b' })).toMatchObject({
    kind: 'invalid',
  });
});

test('an act needs a reason, an amendment an amount that a pulse could have, and both a pulse', async () => {
  const room = await roomWith('p');
  const pointers = async (input: PulseActInput): Promise<readonly string[]> => {
    const result = await room.useCases.actOnPulse(input);
    return result.kind === 'invalid'
      ? result.problems.map(({ pointer }) => pointer)
      : [result.kind];
  };
  expect(await pointers({ ...VOID, body: {} })).toEqual(['/reason']);
  expect(await pointers({ ...VOID, body: { reason: 'x', amount: '1' } })).toEqual(['/amount']);
  expect(await pointers({ ...VOID, body: { reason: 'x', actId: 'ü' } })).toEqual(['/actId']);
  for (const amount of [1, '1e3', '1'.repeat(21), `0.${'1'.repeat(19)}`, undefined]) {
    expect(await pointers({ ...AMEND, body: { reason: 'x', amount } })).toEqual(['/amount']);
  }
  expect(await pointers({ ...VOID, id: 'nobody' })).toEqual(['not_found']);
  const largest = `-${'9'.repeat(20)}.${'9'.repeat(18)}`;
  const amended = await room.useCases.actOnPulse({
    ...AMEND,
    body: { reason: 'x', amount: largest },
  });
  expect(amended).toMatchObject({ kind: 'ok', pending: false });
  expect(await room.letters.pending()).toMatchObject({ 'resource-consumption.dlq': 0 });
});

test('an act waits for the ledger, and is pending where it does not come in time', async () => {
  const room = await roomWith('p');
  let looks = 0;
  const quick = depsOf(room, async () => {
    looks += 1;
    if (looks === 3) await room.consume();
  });
  expect(await actOnPulse(quick, VOID)).toMatchObject({
    pending: false,
    pulse: { state: 'voided' },
  });
  const before = room.clock.monotonic();
  const never = depsOf(room, async () => {});
  expect(await actOnPulse(never, AMEND)).toMatchObject({
    kind: 'ok',
    actId: 'act-2',
    pending: true,
    pulse: { state: 'voided' },
  });
  expect(room.clock.monotonic() - before).toBe(ACT_WAIT_MS);
  // Sent again it is in the log twice, and done once.
  await room.consume();
  expect(await actOnPulse(never, AMEND)).toMatchObject({
    pending: false,
    pulse: { state: 'counted' },
  });
});

test('an act that came to a partition is asked of that partition', async () => {
  const room = await roomWith('p');
  const other = pulse('r', '3');
  await room.append([encodePulse(other)], 1);
  await room.consume();
  expect(await room.useCases.actOnPulse({ ...VOID, id: 'r' })).toMatchObject({ pending: false });
  expect((await room.pulseLog.bounds(1)).end).toBe(2);
});
