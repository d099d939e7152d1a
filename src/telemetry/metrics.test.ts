import { expect, test } from 'bun:test';
import { DoorMetrics } from './door-metrics.ts';
import { createInstruments } from './instruments.ts';
import { addCountingMetrics, addDoorMetrics, addWorkerMetrics } from './metrics.ts';

function sources() {
  const door = new DoorMetrics();
  const state = { pending: 3, tallyMs: 40, expired: 2, differences: 0 };
  const instruments = createInstruments('1.2.3');
  const { registry } = instruments;
  addDoorMetrics(instruments, { door, pending: () => state.pending });
  addCountingMetrics(instruments, {
    lag: () => ({
      tallyMs: state.tallyMs,
      ledgerMs: 250,
      partitions: [
        { partition: 0, end: 10, tally: 9, ledger: 7 },
        { partition: 1, end: 4, tally: 4, ledger: 4 },
      ],
    }),
    expired: () => state.expired,
    differences: () => state.differences,
  });
  return { door, state, registry };
}

/** The samples of one metric, as they stand in the text. */
function samples(text: string, name: string): string[] {
  return text.split('\n').filter((line) => new RegExp(`^${name}[ {]`).test(line));
}

test('what is scraped is what the sources say at that moment', async () => {
  const { door, state, registry } = sources();
  door.received = 9;
  door.unknown = 1;
  for (const latency of [2, 4]) door.accept(latency);
  door.endSecond(1);
  door.reject('poll_closed');
  door.reject('poll_closed');
  door.reject('id_expired');
  const text = await registry.metrics();
  expect(samples(text, 'apura_votes_received_total')).toEqual(['apura_votes_received_total 9']);
  expect(samples(text, 'apura_votes_accepted_total')).toEqual(['apura_votes_accepted_total 2']);
  expect(samples(text, 'apura_votes_unknown_total')).toEqual(['apura_votes_unknown_total 1']);
  expect(samples(text, 'apura_votes_expired_total')).toEqual(['apura_votes_expired_total 2']);
  expect(samples(text, 'apura_votes_rejected_total')).toEqual([
    'apura_votes_rejected_total{reason="poll_closed"} 2',
    'apura_votes_rejected_total{reason="id_expired"} 1',
  ]);
  expect(samples(text, 'apura_votes_pending')).toEqual(['apura_votes_pending 3']);
  expect(samples(text, 'apura_count_lag_seconds')).toEqual([
    'apura_count_lag_seconds{store="tally"} 0.04',
    'apura_count_lag_seconds{store="ledger"} 0.25',
  ]);
  expect(samples(text, 'apura_log_blocks')).toEqual([
    'apura_log_blocks{partition="0",what="log_end"} 10',
    'apura_log_blocks{partition="0",what="tally_next"} 9',
    'apura_log_blocks{partition="0",what="ledger_next"} 7',
    'apura_log_blocks{partition="1",what="log_end"} 4',
    'apura_log_blocks{partition="1",what="tally_next"} 4',
    'apura_log_blocks{partition="1",what="ledger_next"} 4',
  ]);
  expect(samples(text, 'apura_build_info')).toEqual(['apura_build_info{version="1.2.3"} 1']);
  const slowest = samples(text, 'apura_vote_accept_seconds').at(-1) ?? '';
  expect(slowest).toStartWith('apura_vote_accept_seconds{quantile="0.999"}');
  expect(Number(slowest.split(' ')[1])).toBeCloseTo(0.004, 4);

  door.received = 10;
  state.pending = 0;
  state.differences = 5;
  const later = await registry.metrics();
  expect(samples(later, 'apura_votes_received_total')).toEqual(['apura_votes_received_total 10']);
  expect(samples(later, 'apura_votes_pending')).toEqual(['apura_votes_pending 0']);
  expect(samples(later, 'apura_reconciliation_difference')).toEqual([
    'apura_reconciliation_difference 5',
  ]);
});

test('every metric is named after the program, and explained', async () => {
  const text = await sources().registry.metrics();
  const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map((match) => match[1] ?? '');
  expect(names.length).toBeGreaterThan(9);
  for (const name of names) {
    expect(name).toStartWith('apura_');
    expect(text).toMatch(new RegExp(`^# HELP ${name} \\S`, 'm'));
  }
});

test('two registries of one process do not disturb each other', async () => {
  const [one, other] = [sources(), sources()];
  one.door.received = 1;
  expect(samples(await other.registry.metrics(), 'apura_votes_received_total')).toEqual([
    'apura_votes_received_total 0',
  ]);
});

test('a worker tells of its store, its partitions and how many of them have halted', async () => {
  const instruments = createInstruments('1.2.3');
  addWorkerMetrics(instruments, {
    store: 'ledger',
    lagMs: () => 30,
    expired: () => 1,
    partitions: () => [
      { partition: 3, next: 70, halted: false },
      { partition: 5, next: 2, halted: true },
    ],
  });
  const text = await instruments.registry.metrics();
  expect(samples(text, 'apura_votes_expired_total')).toEqual(['apura_votes_expired_total 1']);
  expect(samples(text, 'apura_count_lag_seconds')).toEqual([
    'apura_count_lag_seconds{store="ledger"} 0.03',
  ]);
  expect(samples(text, 'apura_worker_next_block')).toEqual([
    'apura_worker_next_block{store="ledger",partition="3"} 70',
    'apura_worker_next_block{store="ledger",partition="5"} 2',
  ]);
  expect(samples(text, 'apura_worker_partitions')).toEqual([
    'apura_worker_partitions{store="ledger",state="working"} 1',
    'apura_worker_partitions{store="ledger",state="halted"} 1',
  ]);
});
