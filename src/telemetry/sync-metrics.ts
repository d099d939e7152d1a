/** What sync says on `/metrics`: its newest report of each log, read when it is asked for. */
import type { SyncReport } from '../application/counting/sync-report.ts';
import type { Instruments } from './instruments.ts';
import { DIFFERENCES, EXPIRED, LOG_BLOCKS } from './metrics.ts';

export interface SyncSources {
  /** By the log's id: a poll that is open may stand on an older log than the newest. */
  readonly reports: () => readonly (readonly [log: string, report: SyncReport])[];
  /** Wall time, ms since the Unix epoch. */
  readonly now: () => number;
}

const STATES = ['consistent', 'different', 'checking'] as const;

/** What is not known yet is NaN: a 0 would read as fresh, or as fast. */
export function addSyncMetrics(instruments: Instruments, { reports, now }: SyncSources): void {
  const { counter, gauge } = instruments;
  gauge(...DIFFERENCES, ['log'], (g) => {
    for (const [log, { differences }] of reports()) g.set({ log }, differences);
  });
  gauge('apura_sync_state', 'One where the stores are in this state.', ['log', 'state'], (g) => {
    for (const [log, report] of reports()) {
      for (const state of STATES) g.set({ log, state }, report.state === state ? 1 : 0);
    }
  });
  counter('apura_sync_repairs_total', 'Times the tally was put right.', ['log'], (c) => {
    for (const [log, { repairs }] of reports()) c.inc({ log }, repairs);
  });
  counter(...EXPIRED, ['log'], (c) => {
    for (const [log, { expired }] of reports()) c.inc({ log }, expired);
  });
  gauge('apura_sync_alarms', 'Alarms that stand now, by kind.', ['log', 'kind'], (g) => {
    for (const [log, { alarms }] of reports()) for (const { kind } of alarms) g.inc({ log, kind });
  });
  gauge('apura_sync_check_age_seconds', 'Since everything was last compared.', ['log'], (g) => {
    for (const [log, { checkedAt }] of reports()) {
      const ageMs = checkedAt === null ? Number.NaN : Math.max(0, now() - checkedAt);
      g.set({ log }, ageMs / 1000);
    }
  });
  gauge('apura_sync_rows_rotation_seconds', 'Time to count all ledger rows once.', ['log'], (g) => {
    for (const [log, { rowsRotationMs }] of reports()) {
      g.set({ log }, rowsRotationMs === null ? Number.NaN : rowsRotationMs / 1000);
    }
  });
  addPositions(instruments, reports);
}

function addPositions({ gauge }: Instruments, reports: SyncSources['reports']): void {
  const partitions = () =>
    reports().flatMap(([log, report]) => report.partitions.map((one) => ({ log, ...one })));
  gauge(...LOG_BLOCKS, ['log', 'partition', 'what'], (g) => {
    for (const { log, partition, start, end, tally, ledger, folded } of partitions()) {
      const places = {
        log_start: start,
        log_end: end,
        tally_next: tally,
        ledger_next: ledger,
        sync_next: folded,
      };
      for (const [what, place] of Object.entries(places)) {
        if (place !== null) g.set({ log, partition, what }, place);
      }
    }
  });
  gauge(
    'apura_sync_lag_seconds',
    'For how long a store has not reached where the log ended then.',
    ['log', 'partition', 'store'],
    (g) => {
      for (const { log, partition, tallyLagMs, ledgerLagMs } of partitions()) {
        g.set({ log, partition, store: 'tally' }, tallyLagMs / 1000);
        g.set({ log, partition, store: 'ledger' }, ledgerLagMs / 1000);
      }
    },
  );
}
