/** The tally in memory, as frames show it: loaded once from the store, then moved by every step. */
import type { MinuteTotal } from '../../domain/counting/step-totals.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { PartitionCounts, StepBase } from '../../ports/store-step.ts';

interface ScopeView {
  readonly items: Map<string, number>;
  readonly flagged: Map<string, number>;
  readonly minutes: Map<string, MinuteTotal>;
  readonly changed: Set<string>;
}

export class TallyView {
  readonly #scopes = new Map<string, ScopeView>();
  readonly #nextOffsets = new Map<number, number>();
  #lagMs = 0;

  /** Adds a partition as the store holds it. Once a partition, before its first step. */
  load(partition: number, counts: PartitionCounts): void {
    this.#nextOffsets.set(partition, counts.checkpoint.nextOffset);
    for (const count of counts.counts) this.#add(count);
  }

  /** Moves on by a step that the store has applied. `lagMs`: from its first acceptance until now. */
  apply(step: StepBase, lagMs: number): void {
    this.#nextOffsets.set(step.partition, step.checkpoint.nextOffset);
    for (const count of step.counts) this.#add(count);
    this.#lagMs = Math.max(this.#lagMs, lagMs);
  }

  /** Sum over partitions of the next offsets. */
  get version(): number {
    let version = 0;
    for (const offset of this.#nextOffsets.values()) version += offset;
    return version;
  }

  /** A frame for every scope that changed since the last call. */
  takeFrames(asOf: number, stale: boolean): TallyFrame[] {
    const frames: TallyFrame[] = [];
    for (const [scope, view] of this.#scopes) {
      if (view.changed.size === 0) continue;
      const minutes = [...view.changed].flatMap((name) => view.minutes.get(name) ?? []);
      view.changed.clear();
      frames.push(this.#frame(scope, view, minutes, asOf, stale));
    }
    this.#lagMs = 0;
    return frames;
  }

  /** A frame of everything known, for every scope. */
  wholeFrames(asOf: number, stale: boolean): TallyFrame[] {
    return [...this.#scopes].map(([scope, view]) =>
      this.#frame(scope, view, [...view.minutes.values()], asOf, stale),
    );
  }

  #frame(
    scope: string,
    view: ScopeView,
    minutes: readonly MinuteTotal[],
    asOf: number,
    stale: boolean,
  ): TallyFrame {
    return {
      scope,
      items: new Map(view.items),
      flagged: new Map(view.flagged),
      minutes,
      version: this.version,
      asOf,
      lagMs: this.#lagMs,
      stale,
    };
  }

  #add(count: MinuteTotal): void {
    const view = this.#scope(count.scope);
    const totals = count.lane === 'valid' ? view.items : view.flagged;
    totals.set(count.item, (totals.get(count.item) ?? 0) + count.count);
    const name = `${count.minute} ${count.lane} ${count.item}`;
    const before = view.minutes.get(name)?.count ?? 0;
    view.minutes.set(name, { ...count, count: before + count.count });
    view.changed.add(name);
  }

  #scope(scope: string): ScopeView {
    let view = this.#scopes.get(scope);
    if (view === undefined) {
      view = { items: new Map(), flagged: new Map(), minutes: new Map(), changed: new Set() };
      this.#scopes.set(scope, view);
    }
    return view;
  }
}
