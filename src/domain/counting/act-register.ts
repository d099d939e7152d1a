/** Which events are voided now, and which acts were met already: acts repeat, their effect does not. */
export interface AppliedAct {
  readonly kind: 'void' | 'restore';
  readonly actId: string;
  /** id16 as 32 hex digits. */
  readonly target: string;
}

export class ActRegister {
  readonly #met = new Set<string>();
  readonly #voided = new Set<string>();

  constructor(applied: Iterable<AppliedAct> = []) {
    for (const act of applied) this.apply(act);
  }

  /**
   * What the act changes in the count: -1 (taken off), +1 (put back), or 0 where it was met before or
   * finds the event already as it wants it.
   */
  apply(act: AppliedAct): -1 | 0 | 1 {
    const key = `${act.actId} ${act.target}`;
    if (this.#met.has(key)) return 0;
    this.#met.add(key);
    if (act.kind === 'void') {
      if (this.#voided.has(act.target)) return 0;
      this.#voided.add(act.target);
      return -1;
    }
    return this.#voided.delete(act.target) ? 1 : 0;
  }

  has(act: AppliedAct): boolean {
    return this.#met.has(`${act.actId} ${act.target}`);
  }
}
