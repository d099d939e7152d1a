/** All of metering on the memory adapters: pulses go into the log, the jobs run when they are told, use cases answer. */
import { MemoryDeadLetters } from '../../src/adapters/memory/dead-letters.ts';
import { MemoryEventLog, MemoryLogStore } from '../../src/adapters/memory/event-log.ts';
import { MemoryPulseLedger, MemoryPulseStore } from '../../src/adapters/memory/pulse-ledger.ts';
import { MemoryRatingStore } from '../../src/adapters/memory/rating-book.ts';
import { soleOwnership } from '../../src/application/counting/sole-ownership.ts';
import { logUsageTransport } from '../../src/application/metering/log-usage-transport.ts';
import { aggregateJob, rateIntakeJob } from '../../src/compose/metering/jobs.ts';
import {
  createMeteringUseCases,
  letterRetries,
  type MeteringLog,
  type MeteringParts,
} from '../../src/compose/metering/use-cases.ts';
import { encodeControlBlock, encodePulseBlock } from '../../src/domain/counting/block.ts';
import { parseDecimal, ZERO } from '../../src/domain/counting/decimal.ts';
import type { Pulse } from '../../src/domain/metering/pulse.ts';
import { encodePulse } from '../../src/domain/metering/pulse-codec.ts';
import type { MeteringUseCases } from '../../src/edge/http/metering-deps.ts';
import { RatingRoom } from './rating-room.ts';

const NEVER = new AbortController().signal;
const WRITER = { writerId: 7n, sequence: 1 };
const PARTITIONS = 2;

export class MeteringWorks extends RatingRoom {
  readonly letters: MemoryDeadLetters;
  readonly pulseLog = new MemoryEventLog(new MemoryLogStore('pulse-log', PARTITIONS));
  readonly usageLog = new MemoryEventLog(new MemoryLogStore('usage-log', 1));
  readonly ledger: MemoryPulseLedger;
  readonly parts: MeteringParts;
  readonly useCases: MeteringUseCases;
  readonly retryDeadLetters: () => Promise<number>;
  readonly #aggregate;
  readonly #intake;

  constructor(now: string) {
    const letters = new MemoryDeadLetters();
    super(now, new MemoryRatingStore('usage-log', letters));
    this.letters = letters;
    this.ledger = new MemoryPulseLedger(new MemoryPulseStore('pulse-log', letters));
    const { clock, pulseLog, usageLog, ledger, book, catalogue, view } = this;
    const told = {
      onCommitted: () => {},
      onTrouble: (error: unknown): void => {
        throw error;
      },
      onHalted: (_: number, error: unknown): void => {
        throw error;
      },
    };
    this.#aggregate = aggregateJob({
      ...told,
      log: pulseLog,
      ownership: soleOwnership(PARTITIONS),
      clock,
      ledger,
      transport: logUsageTransport({ log: usageLog, clock, writerId: 8n }),
      everyMs: 1_000,
    });
    this.#intake = rateIntakeJob({
      ...told,
      log: usageLog,
      ownership: soleOwnership(1),
      clock,
      book,
    });
    this.parts = {
      clock,
      catalogue,
      view,
      ledger,
      letters,
      book,
      pulses: logOf(pulseLog),
      usage: logOf(usageLog),
      appendControl: (partition: number, payload: Uint8Array) =>
        this.appendControl(partition, payload),
      trigger: () => void this.#aggregate.runOnce(NEVER),
    };
    this.useCases = createMeteringUseCases(this.parts);
    this.retryDeadLetters = letterRetries(this.parts);
  }

  async appendControl(partition: number, payload: Uint8Array): Promise<number> {
    const bytes = encodeControlBlock(partition, this.clock.now(), WRITER, payload);
    const [offset] = await this.pulseLog.append([{ partition, bytes }]);
    return offset ?? -1;
  }

  /** Appends a block of these messages, as a door or a foreign producer would. */
  async append(messages: readonly Uint8Array[], partition = 0): Promise<void> {
    const framed = messages.flatMap((bytes) => [bytes.length, ...bytes]);
    const payload = Uint8Array.from(framed);
    const now = this.clock.now();
    const bytes = encodePulseBlock(partition, now, WRITER, messages.length, payload);
    await this.pulseLog.append([{ partition, bytes }]);
  }

  /** Appends pulses and brings the ledger and rating up to them. */
  async send(...pulses: readonly Pulse[]): Promise<void> {
    await this.append(pulses.map(encodePulse));
    await this.consume();
  }

  /** What has come in goes into the ledger, usage to rating, and charges are reckoned. */
  async consume(): Promise<void> {
    await this.#aggregate.runOnce(NEVER);
    await this.#intake.runOnce(NEVER);
    await this.rate();
  }
}

/** Of acme's disk, in GiB, at noon of the 5th of March 2026 unless told. */
export function pulse(id: string, amount: string, more: Partial<Pulse> = {}): Pulse {
  return {
    id,
    source: 'meter',
    tenant: 'acme',
    sku: 'disk',
    amount: parseDecimal(amount) ?? ZERO,
    unit: 'GiB',
    occurredAt: Date.UTC(2026, 2, 5, 12),
    attributes: {},
    ...more,
  };
}

function logOf(log: MemoryEventLog): MeteringLog {
  return {
    logId: log.description.logId,
    partitions: log.description.partitions,
    end: async (partition) => (await log.bounds(partition)).end,
    append: (partition, bytes) => log.append([{ partition, bytes }]),
  };
}
