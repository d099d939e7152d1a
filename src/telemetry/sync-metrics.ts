/** What sync says on `/metrics`: its newest report, read when it is asked for. */
import type { SyncReport } from '../application/counting/sync-report.ts';
import type { Instruments } from './instruments.ts';
import { DIFFERENCES, EXPIRED, LOG_BLOCKS } from './metrics.ts';

export interface SyncSources {
  readonly report: () => SyncReport;
  /** Wall time, ms since the Unix epoch. */
  readonly now: () => number;
}

const STATES = ['consistent', 'different', 'checking'] as const;

/** What is not known yet is NaN: a 0 would read as fresh, or as fast. */
export function addSyncMetrics(instruments: Instruments, { report, now }: SyncSources): void {
  const { counter, gauge } = instruments;
  gauge(...DIFFERENCES, [], (g) => g.set(report().differences));
  gauge('apura_sync_state', 'One where the stores are in this state.', ['state'], (g) => {
    for (const state of STATES) g.set({ state }, report().state === state ? 1 : 0);
  });
  counter('apura_sync_repairs_total', 'Times the tally was put right.', [], (c) =>
    c.inc(report().repairs),
  );
  counter(...EXPIRED, [], (c) => c.inc(report().expired));
  gauge('apura_sync_alarms', 'Alarms that stand now, by kind.', ['kind'], (g) => {
    for (const { kind } of report().alarms) g.inc({ kind });
  });
  gauge('apura_sync_check_age_seconds', 'Since everything was last compared.', [], (g) => {
    const { checkedAt } = report();
    g.set(checkedAt === null ? Number.NaN : Math.max(0, now() - checkedAt) / 1000);
  });
  gauge('apura_sync_rows_rotation_seconds', 'Time to count all ledger rows once.', [], (g) => {
    const { rowsRotationMs } = report();
    g.set(rowsRotationMs === null ? Number.NaN : rowsRotationMs / 1000);
  });
  addPositions(instruments, report);
}

function addPositions({ gauge }: Instruments, report: SyncSources['report']): void {
  gauge(...LOG_BLOCKS, ['partition', 'what'], (g) => {
    for (const { partition, start, end, tally, ledger, folded } of report().partitions) {
      const places = {
        log_start: start,
        log_end: end,
        tally_next: tally,
        ledger_next: ledger,
        sync_next: folded,
      };
      for (const [what, place] of Object.entries(places)) {
        if (place !== null) g.set({ partition, what }, place);
      }
    }
  });
  gauge(
    'apura_sync_lag_seconds',
    'For how long a store has not reached where the log ended then.',
    ['partition', 'store'],
    (g) => {
      for (const { partition, tallyLagMs, ledgerLagMs } of report().partitions) {
        g.set({ partition, store: 'tally' }, tallyLagMs / 1000);
        g.set({ partition, store: 'ledger' }, ledgerLagMs / 1000);
      }
    },
  );
}
