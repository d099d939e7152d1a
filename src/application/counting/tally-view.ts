/**
 * The tally in memory, as frames show it: each partition read from the store, then moved by every
 * step. What a partition contributes is kept apart, so that any one of them can be read again.
 */
import type { MinuteTotal } from '../../domain/counting/step-totals.ts';
import type { TallyFrame } from '../../ports/live-feed.ts';
import type { PartitionCounts } from '../../ports/store-step.ts';
import type { TallyChange } from '../../ports/tally-changes.ts';

/** The part of an applied step that moves counts. */
export type CountsMove = Pick<TallyChange, 'partition' | 'from' | 'nextOffset' | 'counts'>;

/** How a move met the view: `behind` is in it already, `hole` begins where the view is not. */
export type Fit = 'applied' | 'behind' | 'hole';

/** One item's count in one lane and minute, over all partitions. */
interface Cell extends Omit<MinuteTotal, 'count'> {
  count: number;
}

interface ScopeView {
  readonly items: Map<string, number>;
  readonly flagged: Map<string, number>;
  readonly cells: Map<string, Cell>;
  readonly changed: Set<Cell>;
}

interface PartitionView {
  readonly nextOffset: number;
  /** What the partition adds to each cell. */
  readonly parts: Map<Cell, number>;
}

export class TallyView {
  readonly #scopes = new Map<string, ScopeView>();
  readonly #partitions = new Map<number, PartitionView>();
  #lagMs = 0;

  /** Takes a partition as the store holds it, in place of all that it had contributed. */
  load(partition: number, { checkpoint, counts }: PartitionCounts): void {
    const before = this.#partitions.get(partition)?.parts ?? new Map<Cell, number>();
    const parts = new Map<Cell, number>();
    for (const count of counts) {
      const cell = this.#cell(count);
      parts.set(cell, (parts.get(cell) ?? 0) + count.count);
    }
    for (const [cell, part] of before) {
      if (!parts.has(cell)) this.#move(cell, -part);
    }
    for (const [cell, part] of parts) this.#move(cell, part - (before.get(cell) ?? 0));
    this.#partitions.set(partition, { nextOffset: checkpoint.nextOffset, parts });
  }

  /** Moves a partition on, where the move begins where it stands. `lagMs`: from first acceptance until now. */
  apply({ partition, from, nextOffset, counts }: CountsMove, lagMs: number): Fit {
    const view = this.#partitions.get(partition);
    if (view === undefined) return 'hole';
    if (nextOffset <= view.nextOffset) return 'behind';
    if (from !== view.nextOffset) return 'hole';
    for (const count of counts) {
      const cell = this.#cell(count);
      view.parts.set(cell, (view.parts.get(cell) ?? 0) + count.count);
      this.#move(cell, count.count);
    }
    this.#partitions.set(partition, { nextOffset, parts: view.parts });
    this.#lagMs = Math.max(this.#lagMs, lagMs);
    return 'applied';
  }

  /** Where a partition stands; null before it was loaded. */
  nextOffset(partition: number): number | null {
    return this.#partitions.get(partition)?.nextOffset ?? null;
  }

  /** Sum over partitions of the next offsets. */
  get version(): number {
    let version = 0;
    for (const { nextOffset } of this.#partitions.values()) version += nextOffset;
    return version;
  }

  /**
   * A frame for every scope that changed since the last call, or for `every` scope, with the counts
   * as they are now of all minutes that changed, also of those that vanished.
   */
  takeFrames(asOf: number, stale: boolean, every: boolean): TallyFrame[] {
    const { version } = this;
    const lagMs = this.#lagMs;
    this.#lagMs = 0;
    const frames: TallyFrame[] = [];
    for (const [scope, { items, flagged, changed }] of this.#scopes) {
      if (changed.size === 0 && !every) continue;
      const minutes = [...changed].map((cell) => ({ ...cell }));
      changed.clear();
      const counts = { items: new Map(items), flagged: new Map(flagged), minutes };
      frames.push({ scope, ...counts, version, asOf, lagMs, stale });
    }
    return frames;
  }

  #move(cell: Cell, change: number): void {
    if (change === 0) return;
    const view = this.#scope(cell.scope);
    const totals = cell.lane === 'valid' ? view.items : view.flagged;
    totals.set(cell.item, (totals.get(cell.item) ?? 0) + change);
    cell.count += change;
    view.changed.add(cell);
  }

  #cell({ scope, item, lane, minute }: MinuteTotal): Cell {
    const { cells } = this.#scope(scope);
    const name = `${minute} ${lane} ${item}`;
    let cell = cells.get(name);
    if (cell === undefined) {
      cell = { scope, item, lane, minute, count: 0 };
      cells.set(name, cell);
    }
    return cell;
  }

  #scope(scope: string): ScopeView {
    let view = this.#scopes.get(scope);
    if (view === undefined) {
      view = { items: new Map(), flagged: new Map(), cells: new Map(), changed: new Set() };
      this.#scopes.set(scope, view);
    }
    return view;
  }
}
