/** Pulses from a generator of their own: what it is told, and what it tells. */
import { randomInt } from 'node:crypto';
import { Child } from './child.ts';
import { cpuSeconds } from './process-figures.ts';
import { benchProgram, LOADER_CPU } from './programs.ts';

export interface PulseLoad {
  readonly protocol: 'grpc' | 'connect';
  readonly port: number;
  readonly token: string;
  /** Of each call. */
  readonly pulses: number;
  /** Part of every id: another one for every load. */
  readonly writer: number;
  readonly connections: number;
  /** Calls at a time on each connection; 1 by Connect. */
  readonly callsEach: number;
  readonly seconds: number;
}

/** Every call was accepted with all of its pulses. */
export interface PulseLoadTold {
  readonly calls: number;
  readonly elapsedMs: number;
  /** Of all amounts, in whole numbers of 10^-18. */
  readonly sum: string;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly maxMs: number;
}

export interface PulseLoadResult extends PulseLoadTold {
  readonly pulses: number;
  readonly perSecond: number;
  /** CPU time of the generator as percent of one core: near 100 it, and not the server, is what is measured. */
  readonly loaderPercent: number;
  /** CPU time of the server a pulse, µs. */
  readonly serverMicros: number;
}

const WRITERS = 0x1_0000;
let writer = randomInt(WRITERS);

/** @throws where not every pulse of every call was accepted. */
export async function loadPulses(
  load: Omit<PulseLoad, 'writer'>,
  serverPid: number,
): Promise<PulseLoadResult> {
  writer = (writer + 1) % WRITERS;
  const before = cpuSeconds(serverPid);
  const told = { ...load, writer } satisfies PulseLoad;
  const command = benchProgram('pulse-loader.ts', JSON.stringify(told));
  await using loader = new Child(command, { cpu: LOADER_CPU });
  const { exitCode, output } = await loader.ended();
  if (exitCode !== 0) throw new Error(`The generator ended with ${exitCode}: ${output}`);
  const result = JSON.parse(output) as PulseLoadTold;
  const used = cpuSeconds(serverPid) - before;
  const pulses = result.calls * load.pulses;
  return {
    ...result,
    pulses,
    perSecond: (pulses / result.elapsedMs) * 1_000,
    loaderPercent: Math.round((loader.cpuSeconds / (result.elapsedMs / 1_000)) * 100),
    serverMicros: (used / pulses) * 1e6,
  };
}
