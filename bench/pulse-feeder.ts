/** Fills a pulse ledger by steps as the aggregation commits them, without a log before it. */
import { decodeBlock } from '../src/domain/counting/block.ts';
import { callersTenant } from '../src/domain/metering/callers-tenant.ts';
import { decodePulses, type PulseBlockAt } from '../src/domain/metering/pulse-columns.ts';
import { tenantPartition } from '../src/domain/metering/pulse-text.ts';
import { foldUsage } from '../src/domain/metering/usage-fold.ts';
import type { PulseLedger, PulseStep } from '../src/ports/pulse-ledger.ts';
import { type PulseBlockBytes, pulseBlocks, type SyntheticPulses } from './synthetic-pulses.ts';

/** As many as two MiB of the log hold. */
export const FED_STEP_PULSES = 20_000;
const STEP_BLOCKS = 5;
const BLOCK_PULSES = FED_STEP_PULSES / STEP_BLOCKS;
/** Steps that are decoded and added up before they are committed: what that takes is not the ledger's. */
const PREPARED_STEPS = 12;

export interface FedPulses {
  readonly pulses: number;
  /** In whole numbers of 10^-18. */
  readonly sum: bigint;
  /** How long each commit took, ms. */
  readonly commits: readonly number[];
  /** How long all commits took, those that were under way together once, ms. */
  readonly committingMs: number;
  /** CPU time of this process meanwhile, µs. */
  readonly cpuMicros: number;
}

/** What one partition is fed. */
interface Stream {
  readonly partition: number;
  readonly steps: number;
  readonly blocks: Iterator<PulseBlockBytes>;
  left: number;
}

function blockOf({ blocks }: Stream): PulseBlockBytes {
  const { value, done } = blocks.next();
  if (done === true) throw new Error('A partition has fewer blocks than steps of them.');
  return value;
}

/** Commits steps of new pulses, each partition's one behind the other, as the aggregation does. */
export class PulseFeeder {
  readonly #ledger: PulseLedger;
  readonly #partitions: number;
  /** So many partitions commit at once. */
  readonly #lanes: number;
  readonly #epochs: number[] = [];
  readonly #next: number[] = [];

  constructor(ledger: PulseLedger, partitions: number, lanes: number) {
    this.#ledger = ledger;
    this.#partitions = partitions;
    this.#lanes = lanes;
  }

  async start(): Promise<void> {
    for (let partition = 0; partition < this.#partitions; partition += 1) {
      this.#epochs.push((await this.#ledger.takeOver(partition)).epoch);
      this.#next.push(0);
    }
  }

  /** @throws where a step is not applied, or a pulse of it not counted. */
  async feed(spec: Omit<SyntheticPulses, 'pulsesPerBlock'>): Promise<FedPulses> {
    const commits: number[] = [];
    let [pulses, sum, committingMs, cpuMicros] = [0, 0n, 0, 0];
    let steps: PulseStep[] = [];
    const commitAll = async (): Promise<void> => {
      const [startedAt, before] = [performance.now(), process.cpuUsage()];
      commits.push(...(await this.#commit(steps)));
      committingMs += performance.now() - startedAt;
      const used = process.cpuUsage(before);
      cpuMicros += used.user + used.system;
      pulses += steps.length * FED_STEP_PULSES;
      steps = [];
    };
    const streams = this.#streams(spec);
    for (;;) {
      // The one that has most before it, so that all of them come to the end of the time together.
      const next = streams.reduce((a, b) => (b.left * a.steps > a.left * b.steps ? b : a));
      if (next.left === 0) break;
      next.left -= 1;
      const made = Array.from({ length: STEP_BLOCKS }, () => blockOf(next));
      sum += made.reduce((all, one) => all + one.sum, 0n);
      steps.push(this.#step(next.partition, made));
      if (steps.length === PREPARED_STEPS) await commitAll();
    }
    await commitAll();
    return { pulses, sum, commits, committingMs, cpuMicros };
  }

  /** The pulses of each partition's tenants, in whole steps. */
  #streams({ pulses, tenants, writer, ...span }: Omit<SyntheticPulses, 'pulsesPerBlock'>) {
    const partitions = this.#partitions;
    const byPartition = Map.groupBy(tenants, (name) =>
      tenantPartition(callersTenant(name).hash, partitions),
    );
    const total = pulses / FED_STEP_PULSES;
    if (!Number.isSafeInteger(total)) throw new Error(`${pulses} pulses are not whole steps.`);
    let [tenantsSoFar, stepsSoFar] = [0, 0];
    const streams = [...byPartition].map(([partition, names]): Stream => {
      tenantsSoFar += names.length;
      const steps = Math.round((total * tenantsSoFar) / tenants.length) - stepsSoFar;
      stepsSoFar += steps;
      const blocks = pulseBlocks({
        ...{ ...span, pulses: steps * FED_STEP_PULSES, pulsesPerBlock: BLOCK_PULSES },
        ...{ tenants: names, writer: writer * partitions + partition },
      });
      return { partition, steps, blocks, left: steps };
    });
    return streams.filter(({ steps }) => steps > 0);
  }

  /** Resolves to how long each took, ms. */
  async #commit(steps: readonly PulseStep[]): Promise<readonly number[]> {
    const took: number[] = [];
    const commitLane = async (lane: number): Promise<void> => {
      for (const step of steps.filter(({ partition }) => partition % this.#lanes === lane)) {
        const startedAt = performance.now();
        const { outcome, counted } = await this.#ledger.commit(step);
        took.push(performance.now() - startedAt);
        if (outcome !== 'applied' || counted !== FED_STEP_PULSES) {
          throw new Error(`A step was ${outcome}, with ${counted} pulses counted.`);
        }
      }
    };
    await Promise.all(Array.from({ length: this.#lanes }, (_, lane) => commitLane(lane)));
    return took;
  }

  #step(partition: number, made: readonly PulseBlockBytes[]): PulseStep {
    const from = this.#next[partition] ?? 0;
    const nextOffset = from + made.length;
    const blocks = made.map(({ bytes }, index): PulseBlockAt => {
      const block = decodeBlock(bytes);
      if (block.kind !== 'pulses') throw new Error(`A block of ${block.kind}.`);
      return { offset: from + index, block };
    });
    this.#next[partition] = nextOffset;
    const { columns } = decodePulses(blocks);
    const last = blocks.at(-1)?.block;
    return {
      partition,
      epoch: this.#epochs[partition] ?? 0,
      from,
      checkpoint: {
        nextOffset,
        logTime: last?.blockTime ?? 0,
        windowStartOffset: nextOffset,
        lastBlockCrc: last?.crc ?? 0,
      },
      pulses: columns,
      totals: foldUsage(columns),
      acts: [],
      deadLetters: [],
    };
  }
}
