/** What each store takes of a step's decisions: the tally its totals alone, the ledger every event too. */
import type { EventBlock } from '../../domain/counting/block.ts';
import type { EventKey } from '../../domain/counting/key.ts';
import type { Decision } from '../../domain/counting/partition-fold.ts';
import { COUNTED, DUPLICATE } from '../../domain/counting/verdict.ts';
import type { EventColumns, LedgerStep } from '../../ports/ledger.ts';
import type { TallyStep } from '../../ports/live-tally.ts';
import type { StepBase } from '../../ports/store-step.ts';
import type { StepCollector } from './partition-follower.ts';

const U32 = 0x1_0000_0000;

export class TallyCollector implements StepCollector<TallyStep> {
  add(): void {}

  step(base: StepBase): TallyStep {
    return base;
  }
}

/** Columns that grow by doubling; handed over as views of their filled part. */
class GrowingColumns {
  #count = 0;
  #capacity = 1024;
  #ids = new DataView(new ArrayBuffer(16 * 1024));
  #keyIndex = new Uint16Array(1024);
  #acceptedAt = new Float64Array(1024);
  #offset = new Float64Array(1024);
  #verdict = new Uint8Array(1024);
  readonly #keys: EventKey[] = [];
  readonly #keyNumbers = new Map<string, number>();

  keyNumber(key: EventKey): number {
    const name = `${key.lane} ${key.scope.length} ${key.scope} ${key.item}`;
    let number = this.#keyNumbers.get(name);
    if (number === undefined) {
      number = this.#keys.push(key) - 1;
      this.#keyNumbers.set(name, number);
    }
    return number;
  }

  push(block: EventBlock, index: number, keyNumber: number, offset: number, verdict: number): void {
    if (this.#count === this.#capacity) this.#grow();
    const at = this.#count;
    const time = block.baseIdTime + (block.idTimeDelta[index] as number);
    const byte = at * 16;
    const ids = this.#ids;
    ids.setUint16(byte, Math.floor(time / U32));
    ids.setUint32(byte + 2, time % U32);
    ids.setUint32(byte + 6, block.x[index] as number);
    ids.setUint32(byte + 10, block.y[index] as number);
    ids.setUint16(byte + 14, block.z[index] as number);
    this.#keyIndex[at] = keyNumber;
    this.#acceptedAt[at] = block.blockTime - (block.acceptanceDelta[index] as number);
    this.#offset[at] = offset;
    this.#verdict[at] = verdict;
    this.#count = at + 1;
  }

  columns(): EventColumns & { readonly verdict: Uint8Array } {
    const count = this.#count;
    return {
      count,
      ids: new Uint8Array(this.#ids.buffer, 0, count * 16),
      keyIndex: this.#keyIndex.subarray(0, count),
      acceptedAt: this.#acceptedAt.subarray(0, count),
      offset: this.#offset.subarray(0, count),
      verdict: this.#verdict.subarray(0, count),
      keys: this.#keys,
    };
  }

  #grow(): void {
    this.#capacity *= 2;
    const capacity = this.#capacity;
    const ids = new Uint8Array(16 * capacity);
    ids.set(new Uint8Array(this.#ids.buffer));
    this.#ids = new DataView(ids.buffer);
    const keyIndex = new Uint16Array(capacity);
    keyIndex.set(this.#keyIndex);
    this.#keyIndex = keyIndex;
    const acceptedAt = new Float64Array(capacity);
    acceptedAt.set(this.#acceptedAt);
    this.#acceptedAt = acceptedAt;
    const offset = new Float64Array(capacity);
    offset.set(this.#offset);
    this.#offset = offset;
    const verdict = new Uint8Array(capacity);
    verdict.set(this.#verdict);
    this.#verdict = verdict;
  }
}

export class LedgerCollector implements StepCollector<LedgerStep> {
  readonly #counted = new GrowingColumns();
  readonly #excluded = new GrowingColumns();

  add(decision: Decision): void {
    if (decision.kind !== 'events') return;
    const { block, verdicts, offset } = decision;
    const counted = block.keys.map((key) => this.#counted.keyNumber(key));
    for (let index = 0; index < block.count; index += 1) {
      const verdict = verdicts === null ? COUNTED : (verdicts[index] as number);
      const key = block.keyIndex[index] as number;
      if (verdict === COUNTED) {
        this.#counted.push(block, index, counted[key] as number, offset, verdict);
      } else if (verdict !== DUPLICATE) {
        const number = this.#excluded.keyNumber(block.keys[key] as EventKey);
        this.#excluded.push(block, index, number, offset, verdict);
      }
    }
  }

  step(base: StepBase): LedgerStep {
    return { ...base, counted: this.#counted.columns(), excluded: this.#excluded.columns() };
  }
}
