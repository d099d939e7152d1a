/** Acts on pulses on SQLite: remembered once, and what they do to the pulse's usage window. */
import { createHash } from 'node:crypto';
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DeadLetterReport } from '../../domain/metering/dead-letter.ts';
import { unknownTarget } from '../../domain/metering/unknown-target.ts';
import { usageOf, usageWindowOf } from '../../domain/metering/usage.ts';
import { addTotals } from '../../domain/metering/usage-sum.ts';
import type { PulseAct, PulseStep } from '../../ports/pulse-ledger.ts';
import type { HeldPulse, HeldPulses, StandingOf } from './held-pulses.ts';
import type { Standing } from './pulse-ledger-reader.ts';
import type { UsageChanges } from './usage-changes.ts';

export class PulseActs {
  readonly #logId: string;
  readonly #held: HeldPulses;
  readonly #standing: StandingOf;
  readonly #isKnown: StatementSync;
  readonly #insert: StatementSync;

  constructor(database: DatabaseSync, logId: string, held: HeldPulses, standing: StandingOf) {
    this.#logId = logId;
    this.#held = held;
    this.#standing = standing;
    this.#isKnown = database.prepare('SELECT 1 FROM act WHERE partition = ? AND act_id = ?');
    this.#insert = database.prepare(`
      INSERT INTO act (partition, act_id, target, kind, amount, reason, actor, at, "offset")
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  }

  /** Takes the acts that are new: how many more are voided, and letters of those without a pulse. */
  take(
    { partition, acts, checkpoint }: PulseStep,
    changes: UsageChanges,
  ): { readonly voided: number; readonly letters: readonly DeadLetterReport[] } {
    const place = { logId: this.#logId, partition };
    const letters: DeadLetterReport[] = [];
    let voided = 0;
    for (const act of acts) {
      if (this.#isKnown.get(partition, act.actId) !== undefined) continue;
      const target = Buffer.from(act.target, 'hex');
      const pulse = this.#held.find(target, partition);
      if (pulse === null) {
        letters.push(unknownTarget(act, place, checkpoint.logTime, sha256));
        continue;
      }
      const before = this.#standing(target, partition, pulse.amount);
      this.#remember(partition, act, target);
      const after = this.#standing(target, partition, pulse.amount);
      if (before.state === after.state && before.amount === after.amount) continue;
      voided += Number(after.state === 'voided') - Number(before.state === 'voided');
      this.#moveWindow(changes, act.target, pulse, before, after);
    }
    return { voided, letters };
  }

  #remember(partition: number, act: PulseAct, target: Uint8Array): void {
    const { actId, kind, amount, reason, actor, at, offset } = act;
    const text = amount === null ? null : String(amount);
    this.#insert.run(partition, actId, target, kind, text, reason, actor, at, offset);
  }

  #moveWindow(
    changes: UsageChanges,
    key: string,
    { series, occurredAt }: HeldPulse,
    before: Standing,
    after: Standing,
  ): void {
    const change = changes.at(series, usageWindowOf(occurredAt));
    const { total, place } = change;
    const sum = total.sum - before.amount + after.amount;
    const count =
      total.count - Number(before.state === 'counted') + Number(after.state === 'counted');
    if (change.before.forgotten > 0) change.total = { ...total, sum, count };
    else if (before.state === 'voided') {
      const one = usageOf(after.amount, occurredAt, key);
      change.total = total.count === 0 ? one : addTotals(total, one);
    } else change.total = { ...this.#held.addUp(place), sum, count };
  }
}

function sha256(...parts: readonly Uint8Array[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return hash.digest('hex');
}
