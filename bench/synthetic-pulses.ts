/** Pulses without doors before them: blocks of a log, sealed by the real codec. */
import { openSqliteLog } from '../src/adapters/sqlite/event-log.ts';
import { PulsePacker } from '../src/domain/metering/pulse-packer.ts';
import { pulseLogOptions } from './pulse-log.ts';
import { PulseTemplate } from './pulse-template.ts';

export interface SyntheticPulses {
  readonly pulses: number;
  readonly pulsesPerBlock: number;
  readonly tenants: number;
  /** Part of every id, 0 to 65,535: another one for other pulses. */
  readonly writer: number;
  /** The pulses spread evenly over `[from, to)`, in order, ms since the Unix epoch. */
  readonly from: number;
  readonly to: number;
}

export interface PulseBlockBytes {
  readonly bytes: Uint8Array;
  readonly count: number;
  /** Of the block's amounts, in whole numbers of 10^-18. */
  readonly sum: bigint;
}

const BLOCKS_PER_APPEND = 16;
const TRAVEL_MS = 40;

/** Whole blocks for partition 0: as many as hold `pulses`. */
export function* pulseBlocks(spec: SyntheticPulses): Generator<PulseBlockBytes> {
  const { pulses, pulsesPerBlock, tenants, writer, from, to } = spec;
  const template = new PulseTemplate({ pulses: pulsesPerBlock, writer, tenants, occurredAt: from });
  const { bytes, start, end, sum } = template;
  const view = new DataView(bytes.buffer);
  const packer = new PulsePacker();
  const pulseMs = (to - from) / pulses;
  let sequence = 0;
  for (let made = 0; made < pulses; made += pulsesPerBlock) {
    template.renew();
    for (let index = 0; index < pulsesPerBlock; index += 1) {
      template.setTime(index, Math.floor((from + (made + index) * pulseMs) / 1_000));
      packer.add(bytes, view, start[index] as number, end[index] as number, null);
    }
    sequence += 1;
    const blockTime = Math.ceil(from + (made + pulsesPerBlock) * pulseMs) + TRAVEL_MS;
    const block = packer.seal(0, blockTime, { writerId: 1n, sequence });
    yield { bytes: block, count: pulsesPerBlock, sum };
  }
}

/** Fills the folder's log of pulses; what it holds then. */
export async function writeSyntheticPulses(
  folder: string,
  spec: SyntheticPulses,
): Promise<{ readonly pulses: number; readonly sum: bigint; readonly bytes: number }> {
  await using log = openSqliteLog(pulseLogOptions(folder));
  const total = { pulses: 0, sum: 0n, bytes: 0 };
  let waiting: PulseBlockBytes[] = [];
  const append = (): void => {
    if (waiting.length > 0) log.appendNow(waiting.map(({ bytes }) => ({ partition: 0, bytes })));
    waiting = [];
  };
  for (const block of pulseBlocks(spec)) {
    total.pulses += block.count;
    total.sum += block.sum;
    total.bytes += block.bytes.length;
    waiting.push(block);
    if (waiting.length === BLOCKS_PER_APPEND) append();
  }
  append();
  return total;
}
