/** Fills a pulse ledger by steps as the aggregation commits them, without a log before it. */
import { decodeBlock } from '../src/domain/counting/block.ts';
import { decodePulses, type PulseBlockAt } from '../src/domain/metering/pulse-columns.ts';
import { foldUsage } from '../src/domain/metering/usage-fold.ts';
import type { PulseLedger, PulseStep } from '../src/ports/pulse-ledger.ts';
import { pulseBlocks, type SyntheticPulses } from './synthetic-pulses.ts';

/** As many as two MiB of the log hold. */
export const FED_STEP_PULSES = 20_000;
const STEP_BLOCKS = 5;
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

/** Commits steps of new pulses, each partition's one behind the other, as the aggregation does. */
export class PulseFeeder {
  readonly #ledger: PulseLedger;
  readonly #partitions: number;
  /** So many partitions commit at once. */
  readonly #lanes: number;
  readonly #epochs: number[] = [];
  readonly #next: number[] = [];
  #steps = 0;

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
    let blocks: PulseBlockAt[] = [];
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
    for (const made of pulseBlocks({ ...spec, pulsesPerBlock: FED_STEP_PULSES / STEP_BLOCKS })) {
      const block = decodeBlock(made.bytes);
      if (block.kind !== 'pulses') throw new Error(`A block of ${block.kind}.`);
      blocks.push({ offset: this.#offset + blocks.length, block });
      sum += made.sum;
      if (blocks.length < STEP_BLOCKS) continue;
      const step = this.#step(blocks);
      blocks = [];
      this.#next[step.partition] = step.checkpoint.nextOffset;
      this.#steps += 1;
      steps.push(step);
      if (steps.length === PREPARED_STEPS) await commitAll();
    }
    if (blocks.length > 0) throw new Error(`${spec.pulses} pulses are not whole steps.`);
    await commitAll();
    return { pulses, sum, commits, committingMs, cpuMicros };
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

  get #partition(): number {
    return this.#steps % this.#partitions;
  }

  get #offset(): number {
    return this.#next[this.#partition] ?? 0;
  }

  #step(blocks: readonly PulseBlockAt[]): PulseStep {
    const { columns } = decodePulses(blocks);
    const from = this.#offset;
    const nextOffset = from + blocks.length;
    const last = blocks.at(-1)?.block;
    return {
      partition: this.#partition,
      epoch: this.#epochs[this.#partition] ?? 0,
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
