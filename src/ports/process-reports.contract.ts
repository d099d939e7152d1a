/** The promises of the process reports port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import { waitUntil } from '../../test/support/wait-until.ts';
import type { ProcessReport, ProcessReports } from './process-reports.ts';

/** One installation's reports, reached as several processes would. */
export interface ProcessReportsUnderTest extends AsyncDisposable {
  open(): Promise<ProcessReports>;
}

export function processReport(fields: Partial<ProcessReport> = {}): ProcessReport {
  return {
    name: 'tally-4f2a',
    role: 'tally',
    at: 1_795_000_000_000,
    rssBytes: 80_000_000,
    cpuPercent: 12.5,
    trouble: null,
    door: null,
    lagMs: null,
    ...fields,
  };
}

const DOOR_REPORT = processReport({
  name: 'ingest "ß" 1',
  trouble: 'The log can not be reached.',
  lagMs: 7.25,
  door: {
    received: 2 ** 40,
    accepted: 9,
    rejected: { poll_closed: 2, id_expired: 1 },
    unknown: 3,
    acceptedPerSecond: 8,
    peakPerSecond: 1_000,
    p50Ms: 1.5,
    p99Ms: 90,
  },
});

export function processReportsContract(
  name: string,
  create: () => Promise<ProcessReportsUnderTest>,
): void {
  describe(`process reports contract: ${name}`, () => {
    let installation: ProcessReportsUnderTest;
    let first: ProcessReports;
    let second: ProcessReports;

    beforeEach(async () => {
      installation = await create();
      first = await installation.open();
      second = await installation.open();
    });

    afterEach(async () => {
      await installation[Symbol.asyncDispose]();
    });

    /** What a listener hears, from the moment on at which it is sure to be heard by. */
    async function listen(reports: ProcessReports) {
      const heard: ProcessReport[] = [];
      let isHearing = false;
      const subscription = reports.subscribe((report) => {
        if (report.name === 'first') isHearing = true;
        else heard.push(report);
      });
      await waitUntil('the first report', () => {
        second.publish(processReport({ name: 'first' }));
        return isHearing;
      });
      return { heard, subscription };
    }

    test('a report reaches the listeners of all processes as it was told, its teller too', async () => {
      const listeners = [await listen(first), await listen(second), await listen(second)];
      second.publish(DOOR_REPORT);
      second.publish(processReport());
      for (const { heard } of listeners) {
        await waitUntil('both reports', () => heard.length === 2);
        // In any order: each stands for itself.
        expect(heard).toContainEqual(DOOR_REPORT);
        expect(heard).toContainEqual(processReport());
      }
    });

    test('who has ended hears nothing more; others do', async () => {
      const gone = await listen(first);
      const other = await listen(first);
      gone.subscription[Symbol.dispose]();
      gone.subscription[Symbol.dispose]();
      second.publish(processReport());
      await waitUntil('the report', () => other.heard.length === 1);
      expect(gone.heard).toEqual([]);
    });

    test('nothing is told or heard by a closed handle, and closing twice is closing once', async () => {
      const closed = await listen(first);
      const other = await listen(second);
      await first[Symbol.asyncDispose]();
      await first[Symbol.asyncDispose]();
      first.publish(processReport({ name: 'late' }));
      second.publish(processReport());
      await waitUntil('the report', () => other.heard.length === 1);
      expect(other.heard).toEqual([processReport()]);
      expect(closed.heard).toEqual([]);
    });
  });
}
