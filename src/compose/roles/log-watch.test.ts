/** What a process says of a log that was made after it has started. */
import { expect, test } from 'bun:test';
import { createInstruments } from '../../telemetry/instruments.ts';
import { newLogSettings } from '../new-log.ts';
import { addLogMetrics, LogWatch, logsPart } from './log-watch.ts';

const [first, second, third] = [newLogSettings(6), newLogSettings(12), newLogSettings(24)];

function watched() {
  const logs = [first];
  const warnings: string[] = [];
  const watch = new LogWatch('ingest', { logs: async () => [...logs] }, [first.logId], (words) =>
    warnings.push(words),
  );
  return { logs, warnings, watch };
}

test('a process that knows every log has nothing to say', async () => {
  const { watch, warnings } = watched();
  await watch.look();
  expect([watch.words, watch.unopened, logsPart(watch), warnings]).toEqual([null, [], [], []]);
});

test('a log that came later is said once, and stays ready: what it knows it goes on serving', async () => {
  const { logs, watch, warnings } = watched();
  logs.push(second);
  await watch.look();
  await watch.look();
  expect(warnings).toEqual([expect.stringContaining(`the log ${second.logId} was made`)]);
  expect(logsPart(watch)).toEqual([{ name: 'logs', ready: true, detail: watch.words }]);
  logs.push(third);
  await watch.look();
  expect(warnings).toHaveLength(2);
  expect(watch.unopened).toEqual([second.logId, third.logId]);
});

test('what was seen stands while the catalogue is away', async () => {
  let isAway = false;
  const logs = async () => {
    if (isAway) throw new Error('away');
    return [first, second];
  };
  const watch = new LogWatch('tally', { logs }, [first.logId], () => {});
  await watch.look();
  isAway = true;
  await expect(watch.look()).rejects.toThrow('away');
  expect(watch.unopened).toEqual([second.logId]);
});

test('the metric tells how many logs a process does not know', async () => {
  const { logs, watch } = watched();
  const instruments = createInstruments('test');
  addLogMetrics(instruments, watch);
  const value = async () =>
    /^apura_logs_unopened (\d+)$/m.exec(await instruments.registry.metrics())?.[1];
  expect(await value()).toBe('0');
  logs.push(second);
  await watch.look();
  expect(await value()).toBe('1');
});
