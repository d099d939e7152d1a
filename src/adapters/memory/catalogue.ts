/** A catalogue that lives and dies with the process: the model that durable catalogues are held to. */
import type { ConsistencyRecord } from '../../domain/counting/consistency-record.ts';
import type { LogSettings } from '../../domain/counting/log-settings.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { cursorAt, newestFirst, placeOf } from '../../domain/voting/poll-order.ts';
import type {
  ActPage,
  Catalogue,
  OperatorAct,
  PollChange,
  PollPage,
  StoredImage,
} from '../../ports/catalogue.ts';

/** What a catalogue holds, apart from its handles: it outlives them as a server or a file would. */
export class MemoryCatalogueStore {
  /** Oldest first. */
  readonly logs: LogSettings[] = [];
  /** By log id. */
  readonly consistency = new Map<string, ConsistencyRecord>();
  readonly polls = new Map<string, Poll>();
  readonly images = new Map<string, StoredImage>();
  /** Poll versions that are not confirmed as published, in the order in which they were stored. */
  unpublished: Poll[] = [];
  /** Oldest first. */
  readonly acts: OperatorAct[] = [];
}

export class MemoryCatalogue implements Catalogue {
  readonly #store: MemoryCatalogueStore;

  constructor(store: MemoryCatalogueStore) {
    this.#store = store;
  }

  async mintLogSettings(proposal: LogSettings): Promise<LogSettings> {
    const { logs } = this.#store;
    const [first] = logs;
    if (first !== undefined) return first;
    const minted = structuredClone(proposal);
    logs.push(minted);
    return minted;
  }

  async logs(): Promise<readonly LogSettings[]> {
    return [...this.#store.logs];
  }

  async addLog(settings: LogSettings): Promise<'added' | 'known'> {
    const { logs } = this.#store;
    if (logs.some(({ logId }) => logId === settings.logId)) return 'known';
    logs.push(structuredClone(settings));
    return 'added';
  }

  async putConsistency(report: ConsistencyRecord): Promise<void> {
    this.#store.consistency.set(report.logId, structuredClone(report));
  }

  async consistency(logId: string): Promise<ConsistencyRecord | null> {
    return this.#store.consistency.get(logId) ?? null;
  }

  async now(): Promise<null> {
    return null;
  }

  async putPoll(change: PollChange): Promise<'stored' | 'conflict'> {
    const { poll, expectedVersion, act, image } = structuredClone(change);
    if ((this.#store.polls.get(poll.id)?.version ?? 0) !== expectedVersion) return 'conflict';
    this.#store.polls.set(poll.id, poll);
    this.#store.unpublished.push(poll);
    this.#store.acts.push(act);
    if (image !== null && !this.#store.images.has(image.sha256)) {
      this.#store.images.set(image.sha256, image);
    }
    return 'stored';
  }

  async poll(id: string): Promise<Poll | null> {
    return this.#store.polls.get(id) ?? null;
  }

  async polls(cursor: string | null, limit: number): Promise<PollPage> {
    const after = cursor === null ? null : placeOf(cursor);
    const rest = [...this.#store.polls.values()]
      .filter((poll) => after === null || newestFirst(after, poll) < 0)
      .sort(newestFirst);
    const polls = rest.slice(0, limit);
    const last = polls.at(-1);
    const hasMore = last !== undefined && rest.length > limit;
    return { polls, nextCursor: hasMore ? cursorAt(last) : null };
  }

  async unpublished(): Promise<readonly Poll[]> {
    return [...this.#store.unpublished];
  }

  async markPublished(poll: string, version: number): Promise<void> {
    this.#store.unpublished = this.#store.unpublished.filter(
      (each) => each.id !== poll || each.version > version,
    );
  }

  async image(sha256: string): Promise<StoredImage | null> {
    return this.#store.images.get(sha256) ?? null;
  }

  async recordAct(act: OperatorAct): Promise<void> {
    this.#store.acts.push(structuredClone(act));
  }

  async acts(poll: string | null, cursor: string | null, limit: number): Promise<ActPage> {
    const before = cursor === null ? this.#store.acts.length : positionOf(cursor);
    const acts: OperatorAct[] = [];
    for (let position = before - 1; position >= 0; position -= 1) {
      const act = this.#store.acts[position];
      if (act === undefined || (poll !== null && act.poll !== poll)) continue;
      // One more than asked for: the page before it ends with a cursor.
      if (acts.length === limit) return { acts, nextCursor: String(position + 1) };
      acts.push(act);
    }
    return { acts, nextCursor: null };
  }

  async [Symbol.asyncDispose](): Promise<void> {}
}

function positionOf(cursor: string): number {
  if (/^\d{1,15}$/.test(cursor)) return Number(cursor);
  throw new ApuraError('invalid_query', 'The cursor is not one of a list of acts.');
}
