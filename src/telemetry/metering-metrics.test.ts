import { expect, test } from 'bun:test';
import { createInstruments } from './instruments.ts';
import { addGrpcMetrics } from './metering-metrics.ts';

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
