/** Answers what became of a vote's id, and sees to it that the answer becomes final. */
import {
  eventIdHex,
  idWords,
  mixScope,
  parseUuidV7,
  partitionOf,
  scopeSeed,
} from '../../domain/counting/event-id.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { isPastWindow, type ReceiptStatus, receiptStatus } from '../../domain/voting/receipt.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { PollReading } from './log-router.ts';

export interface GetReceiptDeps {
  readonly directory: PollReading;
  readonly clock: Clock;
  readonly settings: LogSettings;
  readonly ledger: Pick<Ledger, 'find'>;
  /** The log time up to which the ledger has followed a partition. */
  readonly ledgerLogTime: (partition: number) => Promise<number>;
  /** Appends an empty block of the present time, so that an idle partition's log time moves on. */
  readonly appendTimeMark: (partition: number) => Promise<void>;
}

export interface Receipt {
  /** The vote's id as the voter's side knows it. */
  readonly id: string;
  readonly poll: string;
  readonly status: ReceiptStatus;
  /** ms since the Unix epoch; null where the ledger does not hold the vote. */
  readonly acceptedAt: number | null;
}

export type GetReceiptResult =
  | { readonly kind: 'ok'; readonly receipt: Receipt }
  | { readonly kind: 'poll_not_found' }
  /** No vote can have this id: it is no UUIDv7, or its time is yet to come. */
  | { readonly kind: 'receipt_unknown' };

export class GetReceipt {
  readonly #deps: GetReceiptDeps;
  /** The newest time mark that was asked for, a partition: many asking appends no more than one. */
  readonly #markedAt = new Map<number, number>();

  constructor(deps: GetReceiptDeps) {
    this.#deps = deps;
  }

  async run(input: { readonly poll: string; readonly id: string }): Promise<GetReceiptResult> {
    const { directory, clock, settings, ledger, ledgerLogTime } = this.#deps;
    const now = clock.now();
    const words = idWords();
    if (directory.stored(input.poll, now) === undefined) return { kind: 'poll_not_found' };
    if (!parseUuidV7(input.id, words) || words.time > now + settings.clockBoundMs) {
      return { kind: 'receipt_unknown' };
    }
    mixScope(words, scopeSeed(input.poll));
    const partition = partitionOf(words, settings.partitions);
    const { dedupWindowMs } = settings;
    // In this order: see ReceiptFacts.logTime.
    const logTime = await ledgerLogTime(partition);
    const event = await ledger.find(eventIdHex(words));
    const facts = { logTime, idTime: words.time, dedupWindowMs };
    const status = receiptStatus({ ...facts, event: event?.state ?? null });
    if (status === 'pending' && isPastWindow({ ...facts, logTime: now })) {
      await this.#mark(partition, words.time + dedupWindowMs, now);
    }
    const acceptedAt = event?.acceptedAt ?? null;
    return {
      kind: 'ok',
      receipt: { id: input.id.toLowerCase(), poll: input.poll, status, acceptedAt },
    };
  }

  /** Marks the partition's time unless a mark later than `boundary` was asked for already. */
  async #mark(partition: number, boundary: number, now: number): Promise<void> {
    const markedAt = this.#markedAt.get(partition) ?? 0;
    if (markedAt > boundary) return;
    this.#markedAt.set(partition, now);
    try {
      await this.#deps.appendTimeMark(partition);
    } catch {
      // `pending` stays true without the mark; whoever asks next tries again.
      this.#markedAt.delete(partition);
    }
  }
}
