/** Pulses without doors before them: blocks of a log, sealed by the real codec. */
import { openSqliteLog } from '../src/adapters/sqlite/event-log.ts';
import { PULSES_PER_REQUEST_MAX } from '../src/domain/metering/pulse.ts';
import { PulsePacker } from '../src/domain/metering/pulse-packer.ts';
import { PulseScan } from '../src/domain/metering/pulse-scan.ts';
import type { PulseShape } from '../src/domain/metering/pulse-shape.ts';
import { pulseLogOptions } from './pulse-log.ts';
import { PulseTemplate } from './pulse-template.ts';

export interface SyntheticPulses {
  readonly pulses: number;
  readonly pulsesPerBlock: number;
  readonly tenants: readonly string[];
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

const OPERATOR = { tenant: null, canBackfill: true };
const BLOCKS_PER_APPEND = 16;
const TRAVEL_MS = 40;

/** Whole blocks for partition 0: as many as hold `pulses`. */
export function* pulseBlocks(spec: SyntheticPulses): Generator<PulseBlockBytes> {
  const { pulses, pulsesPerBlock, tenants, writer, from, to } = spec;
  const template = new PulseTemplate({ pulses: pulsesPerBlock, writer, tenants, occurredAt: from });
  const packer = new PulsePacker();
  const scan = new PulseScan(1);
  const pulseMs = (to - from) / pulses;
  let sequence = 0;
  for (let made = 0; made < pulses; made += pulsesPerBlock) {
    template.renew();
    for (let index = 0; index < pulsesPerBlock; index += 1) {
      template.setTime(index, Math.floor((from + (made + index) * pulseMs) / 1_000));
    }
    pack(template, scan, packer);
    sequence += 1;
    const blockTime = Math.ceil(from + (made + pulsesPerBlock) * pulseMs) + TRAVEL_MS;
    const block = packer.seal(0, blockTime, { writerId: 1n, sequence });
    yield { bytes: block, count: pulsesPerBlock, sum: template.sum };
  }
}

/** Packs the pulses as a door does, request by request. */
function pack(
  { bytes, start, end, pulses }: PulseTemplate,
  scan: PulseScan,
  packer: PulsePacker,
): void {
  for (let from = 0; from < pulses; from += PULSES_PER_REQUEST_MAX) {
    const last = Math.min(pulses, from + PULSES_PER_REQUEST_MAX) - 1;
    // Behind its tag and its length, each of one byte.
    const request = bytes.subarray((start[from] as number) - 2, end[last]);
    const view = new DataView(request.buffer, request.byteOffset, request.length);
    scan.scan(request, OPERATOR, 0);
    for (let index = 0; index < scan.count; index += 1) {
      const [first, past] = [scan.start[index] as number, scan.end[index] as number];
      const shape = scan.shape[index] as PulseShape | null;
      const [seconds, nanos] = [scan.seconds[index] as number, scan.nanos[index] as number];
      if (shape === null) packer.add(request, view, first, past, null);
      else packer.addShaped(request, view, first, past, shape, seconds, nanos);
    }
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
