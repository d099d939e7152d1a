/** Which logs a process opens, and when APURA_PARTITIONS is a contradiction. */
import { expect, test } from 'bun:test';
import { MemoryCatalogue, MemoryCatalogueStore } from '../../adapters/memory/catalogue.ts';
import { configOf } from '../../config/config.ts';
import { newLogSettings } from '../new-log.ts';
import { logPlaces } from './process.ts';

const withPartitions = (partitions: string | undefined, log = 'kafka://h/t') => ({
  config: configOf({
    APURA_LOG: log,
    ...(partitions === undefined ? {} : { APURA_PARTITIONS: partitions }),
  }),
});
const newCatalogue = () => new MemoryCatalogue(new MemoryCatalogueStore());
const shapeOf = (places: Awaited<ReturnType<typeof logPlaces>>) =>
  places.map(({ settings, generation }) => [generation, settings.partitions]);

test('makes the first log with as many partitions as it is told, and never a second', async () => {
  const catalogue = newCatalogue();
  const places = await logPlaces(withPartitions('6'), catalogue);
  expect(shapeOf(places)).toEqual([[0, 6]]);
  expect(await logPlaces(withPartitions('6'), catalogue)).toEqual(places);
  expect(await logPlaces(withPartitions(undefined), catalogue)).toEqual(places);
  await expect(logPlaces(withPartitions('12'), catalogue)).rejects.toMatchObject({
    code: 'invalid_config',
  });
});

test('opens all logs of a grown installation, by the settings of before or of after', async () => {
  const catalogue = newCatalogue();
  await logPlaces(withPartitions('6'), catalogue);
  await catalogue.addLog(newLogSettings(12));
  const grown = [
    [0, 6],
    [1, 12],
  ];
  for (const partitions of ['6', '12', undefined]) {
    expect(shapeOf(await logPlaces(withPartitions(partitions), catalogue))).toEqual(grown);
  }
  // As many as no log has: the stores of another installation, or a slip.
  await expect(logPlaces(withPartitions('24'), catalogue)).rejects.toThrow('have 6, 12');
});

test.each([
  ['kafka://h/t', 12],
  ['amqp://h', 4],
])('makes as many as suit the log where nothing is told: on %s %d', async (log, partitions) => {
  const places = await logPlaces(withPartitions(undefined, log), newCatalogue());
  expect(shapeOf(places)).toEqual([[0, partitions]]);
});
