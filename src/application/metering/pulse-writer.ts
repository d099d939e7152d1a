/** Packs accepted pulses into blocks, one or more a partition, for group commit. */
import { encodeControlBlock, encodeTimeMark } from '../../domain/counting/block.ts';
import type { CallersTenant } from '../../domain/metering/callers-tenant.ts';
import { PulsePacker } from '../../domain/metering/pulse-packer.ts';
import type { PulseScan } from '../../domain/metering/pulse-scan.ts';
import type { PulseShape } from '../../domain/metering/pulse-shape.ts';
import { ACCEPTED } from '../../domain/metering/pulse-verdict.ts';
import type { PartitionBlock } from '../../ports/event-log.ts';
import { GroupCommit, type GroupCommitDeps, type WriteOutcome } from '../counting/group-commit.ts';

export interface PulseWriterLimits {
  /** The longest that a pulse waits for others, ms. */
  readonly batchDelayMs: number;
  /** Bytes of pulses from which on an append waits for no more. */
  readonly batchBytesMax: number;
  /** Pulses without an answer at most, and their bytes; further requests are refused. */
  readonly pendingPulsesMax: number;
  readonly pendingBytesMax: number;
  /** A of the log's settings: no answer `durable` later than this after acceptance, ms. */
  readonly acceptanceBoundMs: number;
}

export const PULSE_BATCH_DELAY_MS = 2;
export const PULSE_BATCH_BYTES_MAX = 2 * 1024 * 1024;
export const PENDING_PULSES_MAX = 262_144;
export const PENDING_PULSE_BYTES_MAX = 64 * 1024 * 1024;

export interface PulseWriterDeps
  extends Pick<GroupCommitDeps, 'log' | 'clock' | 'loop' | 'writerId' | 'onFailure'> {
  readonly limits: PulseWriterLimits;
}

export class PulseWriter {
  readonly #deps: PulseWriterDeps;
  readonly #packers: readonly PulsePacker[];
  readonly #commit: GroupCommit;
  /** Blocks of the open batch that were full. */
  #full: PartitionBlock[] = [];

  constructor(deps: PulseWriterDeps) {
    this.#deps = deps;
    const { partitions } = deps.log.description;
    this.#packers = Array.from({ length: partitions }, () => new PulsePacker());
    this.#commit = new GroupCommit({
      ...deps,
      batchDelayMs: deps.limits.batchDelayMs,
      acceptanceBoundMs: deps.limits.acceptanceBoundMs,
      seal: () => this.#seal(),
    });
  }

  /** Pulses that wait for the log's answer. */
  get pending(): number {
    return this.#commit.pending;
  }

  /**
   * Takes the accepted pulses, one at least, of a request that `scan` has just judged, for this many
   * partitions; `tenant` is added where one is lacking. Copies what it takes. Null where too much is
   * waiting already, and nothing was taken. The promise never rejects, and is for all of them.
   */
  write(
    request: Uint8Array,
    scan: PulseScan,
    tenant: CallersTenant | null,
  ): Promise<WriteOutcome> | null {
    const commit = this.#commit;
    const { limits } = this.#deps;
    const { accepted, acceptedBytes } = scan;
    if (commit.pending + accepted > limits.pendingPulsesMax) return null;
    if (commit.pendingBytes + acceptedBytes > limits.pendingBytesMax) return null;
    this.#pack(request, scan, tenant);
    const outcome = commit.join(accepted, acceptedBytes);
    if (commit.openBytes >= limits.batchBytesMax) commit.flush();
    return outcome;
  }

  /** Appends a record to a partition. Throws as EventLog.append. */
  async appendControl(partition: number, payload: Uint8Array): Promise<number> {
    const now = this.#deps.clock.now();
    const bytes = encodeControlBlock(partition, now, this.#commit.nextSource(), payload);
    return this.#commit.appendOne({ partition, bytes });
  }

  /** Appends a block that only moves log time on. Throws as EventLog.append. */
  async appendTimeMark(partition: number): Promise<number> {
    const now = this.#deps.clock.now();
    const bytes = encodeTimeMark(partition, now, this.#commit.nextSource());
    return this.#commit.appendOne({ partition, bytes });
  }

  /** Closes the open batch and resolves once nothing waits for an answer any more. */
  drain(): Promise<void> {
    return this.#commit.drain();
  }

  #pack(request: Uint8Array, scan: PulseScan, tenant: CallersTenant | null): void {
    const { count, verdict, partition, lacksTenant, seconds, nanos } = scan;
    const view = new DataView(request.buffer, request.byteOffset, request.length);
    for (let index = 0; index < count; index += 1) {
      if (verdict[index] !== ACCEPTED) continue;
      const place = partition[index] as number;
      const packer = this.#packers[place] as PulsePacker;
      const start = scan.start[index] as number;
      const end = scan.end[index] as number;
      const shape = scan.shape[index] as PulseShape | null;
      if (shape === null) {
        packer.add(request, view, start, end, lacksTenant[index] === 1 ? tenant : null);
      } else {
        const [second, nano] = [seconds[index] as number, nanos[index] as number];
        packer.addShaped(request, view, start, end, shape, second, nano);
      }
      if (!packer.hasRoom) this.#full.push(this.#block(place, packer, this.#deps.clock.now()));
    }
  }

  #block(partition: number, packer: PulsePacker, blockTime: number): PartitionBlock {
    return { partition, bytes: packer.seal(partition, blockTime, this.#commit.nextSource()) };
  }

  #seal(): PartitionBlock[] {
    const blockTime = this.#deps.clock.now();
    const blocks = this.#full;
    this.#full = [];
    for (const [partition, packer] of this.#packers.entries()) {
      if (packer.count > 0) blocks.push(this.#block(partition, packer, blockTime));
    }
    return blocks;
  }
}
