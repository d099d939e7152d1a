/**
 * Sends pulses as fast as they are accepted, a closed loop of so many calls at a time, and tells what came
 * of it. Argument: a PulseLoad as JSON.
 */
import { ConnectCaller, GrpcCaller, type PulseCaller } from './pulse-caller.ts';
import type { PulseLoad, PulseLoadTold } from './pulse-load.ts';
import { PulseTemplate, tenantName } from './pulse-template.ts';
import { highest, percentile } from './statistics.ts';

const load = JSON.parse(process.argv[2] ?? '') as PulseLoad;
const { protocol, pulses, writer, connections, callsEach, seconds } = load;
const template = new PulseTemplate({
  pulses,
  writer,
  tenants: [tenantName(0)],
  occurredAt: Date.now(),
});

const callers: PulseCaller[] = [];
for (let opened = 0; opened < connections; opened += 1) {
  callers.push(await (protocol === 'grpc' ? GrpcCaller : ConnectCaller).open(load));
}
const times: number[] = [];
const startedAt = performance.now();
const endsAt = startedAt + seconds * 1_000;
await Promise.all(
  callers.flatMap((caller) =>
    Array.from({ length: callsEach }, async () => {
      for (let now = performance.now(); now < endsAt; ) {
        template.renew();
        await caller.call(template.bytes.slice());
        const after = performance.now();
        times.push(after - now);
        now = after;
      }
    }),
  ),
);
const elapsedMs = performance.now() - startedAt;
for (const caller of callers) caller[Symbol.dispose]();
const told: PulseLoadTold = {
  calls: times.length,
  elapsedMs,
  sum: String(template.sum * BigInt(times.length)),
  p50Ms: percentile(times, 50),
  p99Ms: percentile(times, 99),
  maxMs: highest(times),
};
console.log(JSON.stringify(told));
