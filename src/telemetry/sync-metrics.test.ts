import { expect, test } from 'bun:test';
import type { SyncReport } from '../application/counting/sync-report.ts';
import { createInstruments } from './instruments.ts';
import { addSyncMetrics } from './sync-metrics.ts';

const partition: SyncReport['partitions'][number] = {
  partition: 0,
  state: 'different',
  start: 1,
  end: 10,
  tally: 9,
  ledger: 7,
  folded: 9,
  tallyLagMs: 500,
  ledgerLagMs: 4_000,
  differences: [],
  waits: [],
  expired: new Map(),
  alarms: [],
  isCatchingUp: false,
};
const found: SyncReport = {
  state: 'different',
  checkedAt: 60_000,
  detail: 'tally',
  differences: 3,
  repairs: 2,
  expired: 5,
  scopes: [],
  partitions: [
    partition,
    { ...partition, partition: 1, start: null, end: null, tally: null, ledger: null, folded: 0 },
  ],
  alarms: [
    { kind: 'lag', partition: 0, words: 'Slow.' },
    { kind: 'lag', partition: 1, words: 'Slow.' },
    { kind: 'expired', partition: 0, words: 'Late.' },
  ],
  rowsRotationMs: 1_500,
  isCatchingUp: false,
};

/** The samples of Apura's own metrics, as they stand in the text. */
async function scraped(report: () => SyncReport): Promise<() => Promise<readonly string[]>> {
  const instruments = createInstruments('1.2.3');
  addSyncMetrics(instruments, { reports: () => [['new', report()]], now: () => 62_500 });
  return async () => {
    const lines = (await instruments.registry.metrics()).split('\n');
    return lines.filter((line) => /^apura_(?!process|build)/.test(line));
  };
}

test('what is scraped is the newest report', async () => {
  let report = found;
  const scrape = await scraped(() => report);
  expect(await scrape()).toEqual([
    'apura_reconciliation_difference{log="new"} 3',
    'apura_sync_state{log="new",state="consistent"} 0',
    'apura_sync_state{log="new",state="different"} 1',
    'apura_sync_state{log="new",state="checking"} 0',
    'apura_sync_repairs_total{log="new"} 2',
    'apura_votes_expired_total{log="new"} 5',
    'apura_sync_alarms{log="new",kind="lag"} 2',
    'apura_sync_alarms{log="new",kind="expired"} 1',
    'apura_sync_check_age_seconds{log="new"} 2.5',
    'apura_sync_rows_rotation_seconds{log="new"} 1.5',
    'apura_log_blocks{log="new",partition="0",what="log_start"} 1',
    'apura_log_blocks{log="new",partition="0",what="log_end"} 10',
    'apura_log_blocks{log="new",partition="0",what="tally_next"} 9',
    'apura_log_blocks{log="new",partition="0",what="ledger_next"} 7',
    'apura_log_blocks{log="new",partition="0",what="sync_next"} 9',
    'apura_log_blocks{log="new",partition="1",what="sync_next"} 0',
    'apura_sync_lag_seconds{log="new",partition="0",store="tally"} 0.5',
    'apura_sync_lag_seconds{log="new",partition="0",store="ledger"} 4',
    'apura_sync_lag_seconds{log="new",partition="1",store="tally"} 0.5',
    'apura_sync_lag_seconds{log="new",partition="1",store="ledger"} 4',
  ]);
  report = { ...found, state: 'consistent', differences: 0, alarms: [] };
  const later = await scrape();
  expect(later).toContain('apura_reconciliation_difference{log="new"} 0');
  expect(later).toContain('apura_sync_state{log="new",state="consistent"} 1');
  expect(later.join('\n')).not.toContain('kind=');
});

test('what is not known yet is no number', async () => {
  const scrape = await scraped(() => ({ ...found, checkedAt: null, rowsRotationMs: null }));
  const text = (await scrape()).join('\n');
  expect(text).toMatch(/^apura_sync_check_age_seconds\{log="new"\} nan$/im);
  expect(text).toMatch(/^apura_sync_rows_rotation_seconds\{log="new"\} nan$/im);
});

test('what is wrong with an older log is not hidden behind the newest', async () => {
  const instruments = createInstruments('1.2.3');
  const sound: SyncReport = { ...found, state: 'consistent', differences: 0, alarms: [] };
  const reports = () => [['old', found] as const, ['new', sound] as const];
  addSyncMetrics(instruments, { reports, now: () => 62_500 });
  const lines = (await instruments.registry.metrics()).split('\n');
  for (const line of [
    'apura_reconciliation_difference{log="old"} 3',
    'apura_reconciliation_difference{log="new"} 0',
    'apura_sync_state{log="old",state="different"} 1',
    'apura_sync_alarms{log="old",kind="lag"} 2',
    'apura_log_blocks{log="old",partition="0",what="log_end"} 10',
    'apura_log_blocks{log="new",partition="0",what="log_end"} 10',
  ]) {
    expect(lines).toContain(line);
  }
});
