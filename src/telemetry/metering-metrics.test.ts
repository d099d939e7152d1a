import { describe, expect, test } from 'bun:test';
import { createInstruments } from './instruments.ts';
import { addGrpcMetrics, addStandingMetrics } from './metering-metrics.ts';

test('what the gRPC port holds and has cut off is told as it is when it is asked for', async () => {
  const instruments = createInstruments('1.2.3');
  const cutOff = new Map([['resets', 2]]);
  const grpc = { connections: 3, calls: 5, streams: 1, cutOff };
  addGrpcMetrics(instruments, grpc);
  const scraped = async () =>
    (await instruments.registry.metrics()).split('\n').filter((line) => /^apura_grpc/.test(line));
  expect(await scraped()).toEqual([
    'apura_grpc_connections 3',
    'apura_grpc_calls 5',
    'apura_grpc_streams 1',
    'apura_grpc_cut_off_total{reason="resets"} 2',
  ]);
  grpc.connections = 0;
  cutOff.set('endless_stream', 1);
  expect(await scraped()).toContain('apura_grpc_cut_off_total{reason="endless_stream"} 1');
  expect(await scraped()).toContain('apura_grpc_connections 0');
});

describe('how metering stands', () => {
  const STANDING = {
    partitions: [
      { partition: 0, end: 9, next: 4 },
      { partition: 1, end: 3, next: 3 },
    ],
    usageBehind: 2,
    usagePending: 7,
    ratingDue: 1,
    deadLetters: { 'resource-usage.dlq': 6 },
  };
  const samples = async (instruments: ReturnType<typeof createInstruments>) =>
    (await instruments.registry.metrics())
      .split('\n')
      .filter((line) => /^apura_metering/.test(line));

  test('is asked of the stores once a scrape, and told as it is then', async () => {
    const instruments = createInstruments('1.2.3');
    let asked = 0;
    addStandingMetrics(instruments, async () => {
      asked += 1;
      return { ...STANDING, usagePending: 7 * asked };
    });
    const told = [
      'apura_metering_readable 1',
      'apura_metering_messages_behind{log="resource-consumption",partition="0"} 5',
      'apura_metering_messages_behind{log="resource-consumption",partition="1"} 0',
      'apura_metering_messages_behind{log="resource-usage",partition="all"} 2',
      'apura_metering_waiting{what="usage_windows"} 7',
      'apura_metering_waiting{what="tenants"} 1',
      'apura_metering_dead_letters{queue="resource-usage.dlq"} 6',
    ];
    expect(await samples(instruments)).toEqual(told);
    expect(asked).toBe(1);
    expect(await samples(instruments)).toContain('apura_metering_waiting{what="usage_windows"} 14');
  });

  test.each([
    ['refuse', () => Promise.reject(new Error('away'))],
    ['do not answer', () => new Promise<never>(() => {})],
  ])('is not known, and nothing old is told, while the stores %s', async (_, away) => {
    const instruments = createInstruments('1.2.3');
    let ask: () => Promise<typeof STANDING> = async () => STANDING;
    addStandingMetrics(instruments, () => ask(), 20);
    expect(await samples(instruments)).toHaveLength(7);
    ask = away;
    expect(await samples(instruments)).toEqual(['apura_metering_readable 0']);
  });
});
