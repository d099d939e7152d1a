/**
 * The rules of the count in their plainest form: lists that only grow, and no block, table or
 * checkpoint. What the real fold, its restarts and its stores are held to.
 */
import { eventIdHex } from '../../src/domain/counting/event-id.ts';
import type { Lane } from '../../src/domain/counting/lane.ts';
import type { MinuteTotal, ScopeBooks } from '../../src/domain/counting/step-totals.ts';
import type { Verdict } from '../../src/domain/counting/verdict.ts';
import type { TestBlock, TestEvent } from './blocks.ts';

export interface NaiveRow {
  readonly event: TestEvent;
  readonly id: string;
  readonly offset: number;
  readonly verdict: Verdict;
}

interface NaiveAct {
  readonly scope: string;
  readonly item: string;
  readonly lane: Lane;
  readonly minute: number;
  readonly change: number;
}

export class NaiveFold {
  readonly #windowMs: number;
  readonly rows: NaiveRow[] = [];
  readonly #acts: NaiveAct[] = [];
  readonly #actsMet: string[] = [];
  #closed: string[] = [];
  #voided: string[] = [];
  #logTime = 0;
  #offset = 0;

  constructor(windowMs: number) {
    this.#windowMs = windowMs;
  }

  static of(windowMs: number, blocks: readonly TestBlock[]): NaiveFold {
    const fold = new NaiveFold(windowMs);
    for (const block of blocks) fold.take(block);
    return fold;
  }

  get logTime(): number {
    return this.#logTime;
  }

  take(block: TestBlock): void {
    this.#logTime = Math.max(this.#logTime, block.blockTime);
    if (block.kind === 'events') {
      for (const event of block.events) {
        const id = eventIdHex(event);
        this.rows.push({ event, id, offset: this.#offset, verdict: this.#verdict(event, id) });
      }
    }
    if (block.kind === 'close') this.#closed.push(block.scope);
    if (block.kind === 'act') {
      for (const target of block.targets) {
        const name = JSON.stringify([block.actId, target.id]);
        if (this.#actsMet.includes(name)) continue;
        this.#actsMet.push(name);
        const isVoided = this.#voided.includes(target.id);
        if (isVoided === (block.type === 'void')) continue;
        this.#voided = isVoided
          ? this.#voided.filter((id) => id !== target.id)
          : [...this.#voided, target.id];
        const { item, lane, minute } = target;
        this.#acts.push({ scope: block.scope, item, lane, minute, change: isVoided ? 1 : -1 });
      }
    }
    this.#offset += 1;
  }

  /** Counted events that no act has taken off. */
  counted(): readonly NaiveRow[] {
    return this.rows.filter(
      ({ verdict, id }) => verdict === 'counted' && !this.#voided.includes(id),
    );
  }

  counts(): MinuteTotal[] {
    const totals = new Map<string, MinuteTotal>();
    const add = ({ scope, item, lane, minute, change }: NaiveAct): void => {
      const name = JSON.stringify([scope, item, lane, minute]);
      const count = (totals.get(name)?.count ?? 0) + change;
      totals.set(name, { scope, item, lane, minute, count });
    };
    for (const { event, verdict } of this.rows) {
      const { scope, item, lane, acceptedAt } = event;
      const minute = Math.floor(acceptedAt / 60_000);
      if (verdict === 'counted') add({ scope, item, lane, minute, change: 1 });
    }
    for (const act of this.#acts) add(act);
    return [...totals.values()].filter(({ count }) => count !== 0);
  }

  books(): ScopeBooks[] {
    const scopes = new Set([
      ...this.rows.map(({ event }) => event.scope),
      ...this.#acts.map(({ scope }) => scope),
    ]);
    return [...scopes].map((scope) => {
      const rows = this.rows.filter(({ event }) => event.scope === scope);
      const of = (verdict: Verdict): number => rows.filter((row) => row.verdict === verdict).length;
      const back = this.#acts
        .filter((act) => act.scope === scope)
        .reduce((sum, { change }) => sum + change, 0);
      return {
        scope,
        logged: rows.length,
        counted: of('counted') + back,
        duplicate: of('duplicate'),
        expired: of('expired'),
        late: of('late'),
        voided: 0 - back,
      };
    });
  }

  /** Precedence as the design has it: expired, duplicate, late, counted. */
  #verdict(event: TestEvent, id: string): Verdict {
    if (this.#logTime > event.time + this.#windowMs) return 'expired';
    const isCounted = this.rows.some((row) => row.id === id && row.verdict === 'counted');
    if (isCounted) return 'duplicate';
    return this.#closed.includes(event.scope) ? 'late' : 'counted';
  }
}
