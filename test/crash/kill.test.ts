/** kill -9 at random moments under load: the short form of `make soak`. */
import { describe, expect, test } from 'bun:test';
import { killDrill } from '../support/kill-drill.ts';
import { SeededRandom } from '../support/seeded-random.ts';

describe('kill -9 under load', () => {
  test.each([1, 3])(
    'with %d partitions loses nothing acknowledged, counts nothing twice',
    async (partitions) => {
      const random = new SeededRandom();
      const options = { kills: 8, partitions, ratePerSecond: 3_000, random };
      console.log(`kill drill, ${partitions} partitions: SEED=${random.seed}`);
      // Throws where an audit finds anything or the balance sheet is not exact.
      const report = await killDrill(options);
      console.log(`kill drill, ${partitions} partitions: ${JSON.stringify(report)}`);
      expect(report.kills).toBe(8);
      // The drill has drilled: votes were under way in kills, and were sent again with the same id.
      expect(report.lostConnections).toBeGreaterThan(0);
      expect(report.retries).toBeGreaterThan(0);
      expect(report.accepted).toBeGreaterThan(0);
      expect(report.counted).toBeGreaterThanOrEqual(report.accepted);
      expect(report.counted).toBeLessThanOrEqual(report.accepted + report.unknown);
    },
  );
});
