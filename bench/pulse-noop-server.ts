/**
 * The least that a batch of pulses can cost on this runtime, by gRPC and over HTTP: its bytes taken in, an
 * answer of the same length, and nothing done. Argument: how many pulses a call has.
 */
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { encodeIngestResponse } from '../src/domain/metering/wire-ingest.ts';
import { PULSE_METHODS } from '../src/edge/grpc/pulse-service.ts';
import { CONNECT_INGEST_PATH } from '../src/edge/http/connect-route.ts';

const [pulses = '1'] = process.argv.slice(2);
const answer = encodeIngestResponse({ count: Number(pulses), rejections: [] });

const grpc = new Server({ 'grpc.enable_channelz': 0 });
const { path, ...method } = PULSE_METHODS.ingest;
grpc.addService(
  { ingest: { ...method, path } },
  {
    ingest: (_call: unknown, callback: (error: null, bytes: Uint8Array) => void) =>
      callback(null, answer),
  },
);
const grpcPort = await new Promise<number>((resolve, reject) => {
  grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error === null) resolve(port);
    else reject(error);
  });
});
const http = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  routes: {
    [CONNECT_INGEST_PATH]: {
      POST: async (request: Request) => {
        await request.arrayBuffer();
        return new Response(answer.slice(), { headers: { 'content-type': 'application/proto' } });
      },
    },
  },
});

console.log(`ready ${grpcPort} ${http.port} none`);
process.once('SIGTERM', () => {
  grpc.forceShutdown();
  void http.stop(true);
});
