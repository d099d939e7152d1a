/** What the memory tally and the memory ledger both keep of a partition, and when a step may move it. */
import { START } from '../../domain/counting/checkpoint.ts';
import type {
  ActMark,
  Books,
  CloseMark,
  CommitOutcome,
  MinuteCount,
  PartitionCounts,
  StepBase,
  Takeover,
} from '../../ports/store-step.ts';

export class PartitionContent {
  #epoch = 0;
  #checkpoint = START;
  #counts = new Map<string, MinuteCount>();
  #books = new Map<string, Books>();
  #closes = new Map<string, CloseMark>();
  #acts = new Map<string, ActMark>();

  get nextOffset(): number {
    return this.#checkpoint.nextOffset;
  }

  takeOver(): Takeover {
    this.#epoch += 1;
    return {
      epoch: this.#epoch,
      checkpoint: this.#checkpoint,
      closes: [...this.#closes.values()],
      acts: [...this.#acts.values()],
    };
  }

  /** What becomes of the step. Only `applied` is still to be done, by `apply`. */
  judge(step: StepBase): CommitOutcome {
    if (this.#epoch === 0 || step.epoch !== this.#epoch) return 'fenced';
    if (step.checkpoint.nextOffset <= this.nextOffset) return 'already-applied';
    return step.from === this.nextOffset ? 'applied' : 'misaligned';
  }

  /** Adds the step. Returns the acts that were new. */
  apply(step: StepBase): readonly ActMark[] {
    this.#checkpoint = step.checkpoint;
    this.#addCounts(step.counts);
    this.#addBooks(step.books);
    this.#addCloses(step.closes);
    return this.#addActs(step.acts);
  }

  read(): PartitionCounts {
    return {
      checkpoint: this.#checkpoint,
      counts: [...this.#counts.values()].filter((entry) => entry.count !== 0),
      books: [...this.#books.values()],
    };
  }

  /** Puts other content in place of this one. Its owner is fenced. */
  replace(content: PartitionCounts & Pick<StepBase, 'closes' | 'acts'>): void {
    this.#epoch += 1;
    this.#counts = new Map();
    this.#books = new Map();
    this.#closes = new Map();
    this.#acts = new Map();
    this.#checkpoint = content.checkpoint;
    this.#addCounts(content.counts);
    this.#addBooks(content.books);
    this.#addCloses(content.closes);
    this.#addActs(content.acts);
  }

  #addCounts(added: readonly MinuteCount[]): void {
    for (const entry of added) {
      const key = JSON.stringify([entry.scope, entry.item, entry.lane, entry.minute]);
      const count = (this.#counts.get(key)?.count ?? 0) + entry.count;
      this.#counts.set(key, { ...entry, count });
    }
  }

  #addBooks(added: readonly Books[]): void {
    for (const entry of added) {
      const before = this.#books.get(entry.scope);
      this.#books.set(entry.scope, before === undefined ? entry : sumOfBooks(before, entry));
    }
  }

  /** The first close of a scope stands: what it made late stays late. */
  #addCloses(added: readonly CloseMark[]): void {
    for (const close of added) {
      const before = this.#closes.get(close.scope);
      if (before === undefined || close.offset < before.offset) {
        this.#closes.set(close.scope, close);
      }
    }
  }

  #addActs(added: readonly ActMark[]): readonly ActMark[] {
    return added.filter((act) => {
      const key = JSON.stringify([act.actId, act.target]);
      if (this.#acts.has(key)) return false;
      this.#acts.set(key, act);
      return true;
    });
  }
}

function sumOfBooks(a: Books, b: Books): Books {
  return {
    scope: a.scope,
    logged: a.logged + b.logged,
    counted: a.counted + b.counted,
    duplicate: a.duplicate + b.duplicate,
    expired: a.expired + b.expired,
    late: a.late + b.late,
    voided: a.voided + b.voided,
  };
}
