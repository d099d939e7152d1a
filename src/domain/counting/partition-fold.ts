/**
 * The fold of one partition: reads its blocks in order and says of every event whether it counts. Every
 * store, audit and rebuild decides by this and by nothing else, so all of them decide alike.
 *
 * 1. Log time is the running maximum of block times.
 * 2. An event is expired if log time > id time + W; else duplicate if its id was seen; else late if its
 *    scope's CLOSE came before it; else counted. Expired and late ids are not remembered: such an
 *    event comes to the same verdict again.
 * 3. A restart re-reads from the checkpoint's `windowStartOffset`. Ids outside the window are expired at
 *    every later log time, so what the re-reading leaves out can never matter.
 */
import { ApuraError } from '../errors.ts';
import { ActRegister, type AppliedAct } from './act-register.ts';
import type { Block, EventBlock } from './block.ts';
import type { Checkpoint } from './checkpoint.ts';
import { type ControlRecord, decodeControlRecord } from './control-record.ts';
import { DedupWindow } from './dedup-window.ts';
import { COUNTED, DUPLICATE, EXPIRED, LATE } from './verdict.ts';

export interface FoldStart {
  readonly checkpoint: Checkpoint;
  readonly closes: Iterable<{ readonly scope: string; readonly offset: number }>;
  readonly acts: Iterable<AppliedAct>;
}

/** One act's effect on one event: `change` is what it adds to the count. */
export interface ActEffect extends AppliedAct {
  readonly scope: string;
  readonly item: string;
  readonly lane: 'valid' | 'flagged';
  readonly minute: number;
  readonly change: -1 | 0 | 1;
}

/** What one block comes to. */
export type Decision =
  | {
      readonly kind: 'events';
      readonly offset: number;
      readonly block: EventBlock;
      /** A verdict an event (see verdict.ts), or null where all are counted. */
      readonly verdicts: Uint8Array | null;
    }
  | {
      readonly kind: 'close';
      readonly offset: number;
      readonly scope: string;
      readonly fresh: boolean;
    }
  | { readonly kind: 'acts'; readonly offset: number; readonly effects: readonly ActEffect[] }
  | { readonly kind: 'nothing'; readonly offset: number };

interface IdSpan {
  readonly offset: number;
  /** The highest id time in the block at `offset`. */
  readonly idTimeMax: number;
}

export class PartitionFold {
  readonly #windowMs: number;
  readonly #window: DedupWindow;
  readonly #closes = new Map<string, number>();
  readonly #acts: ActRegister;
  /** Blocks whose ids may lie inside the window, oldest first. */
  readonly #spans: IdSpan[] = [];
  #spansFrom = 0;
  #nextOffset: number;
  /** Where the fold is while it re-reads; equals `#nextOffset` afterwards. */
  #position: number;
  #logTime: number;
  #lastBlockCrc: number;
  #droppedBefore = 0;

  /**
   * `windowMs` is W; `seed` as DedupWindow's. The first block to hand in is the one at
   * `position`.
   */
  constructor(windowMs: number, start: FoldStart, seed: number) {
    this.#windowMs = windowMs;
    this.#window = new DedupWindow(seed);
    for (const close of start.closes) this.#closes.set(close.scope, close.offset);
    this.#acts = new ActRegister(start.acts);
    this.#nextOffset = start.checkpoint.nextOffset;
    // The last applied block is read again in any case: its CRC says whether this is the same log.
    this.#position = Math.max(
      0,
      Math.min(start.checkpoint.windowStartOffset, start.checkpoint.nextOffset - 1),
    );
    this.#logTime = start.checkpoint.logTime;
    this.#lastBlockCrc = start.checkpoint.lastBlockCrc;
  }

  /** The offset of the block to hand in next. */
  get position(): number {
    return this.#position;
  }

  get warm(): boolean {
    return this.#position >= this.#nextOffset;
  }

  get windowSize(): number {
    return this.#window.size;
  }

  get checkpoint(): Checkpoint {
    const first = this.#spans[this.#spansFrom];
    return {
      nextOffset: this.#nextOffset,
      logTime: this.#logTime,
      windowStartOffset: first === undefined ? this.#nextOffset : first.offset,
      lastBlockCrc: this.#lastBlockCrc,
    };
  }

  /**
   * Takes a block that the store has applied already, to fill the window again.
   *
   * @throws ApuraError `log_rewound`: the last of them is not the block that the store applied.
   * @throws ApuraError `block_invalid`: a block of pulses or usage, which no log of votes holds.
   */
  reread(offset: number, block: Block): void {
    this.#expect(offset);
    this.#position += 1;
    if (offset === this.#nextOffset - 1 && block.crc !== this.#lastBlockCrc) {
      throw new ApuraError(
        'log_rewound',
        `Block ${offset} is not the one that the store has applied: the log was rewound or replaced.`,
      );
    }
    if (block.kind === 'pulses' || block.kind === 'usage') throw foreignBlock(offset, block.kind);
    if (block.kind !== 'events') return;
    const { x, y, z, idTimeDelta, baseIdTime, keyIndex } = block;
    const closed = block.keys.map((key) => (this.#closes.get(key.scope) ?? offset) < offset);
    const bound = this.#logTime - this.#windowMs;
    for (let index = 0; index < block.count; index += 1) {
      const time = baseIdTime + (idTimeDelta[index] as number);
      if (time < bound || closed[keyIndex[index] as number] === true) continue;
      this.#window.add(time, x[index] as number, y[index] as number, z[index] as number);
    }
    this.#remember(offset, block);
  }

  /**
   * Decides the block at `position` and moves past it.
   *
   * @throws ApuraError `block_invalid`: a control record that is not known here, or a block of pulses.
   */
  decide(offset: number, block: Block): Decision {
    this.#expect(offset);
    if (!this.warm) throw new RangeError(`Block ${offset} is for re-reading, not for deciding.`);
    if (block.kind === 'pulses' || block.kind === 'usage') throw foreignBlock(offset, block.kind);
    this.#position += 1;
    this.#nextOffset = this.#position;
    this.#lastBlockCrc = block.crc;
    if (block.blockTime > this.#logTime) {
      this.#logTime = block.blockTime;
      this.#forget();
    }
    if (block.kind === 'events') {
      const verdicts = this.#judge(offset, block);
      this.#remember(offset, block);
      return { kind: 'events', offset, block, verdicts };
    }
    if (block.kind === 'control') {
      return this.#control(offset, decodeControlRecord(block.payload));
    }
    return { kind: 'nothing', offset };
  }

  #expect(offset: number): void {
    if (offset !== this.#position) {
      throw new RangeError(`The fold stands at block ${this.#position}, not at ${offset}.`);
    }
  }

  #judge(offset: number, block: EventBlock): Uint8Array | null {
    const { count, x, y, z, idTimeDelta, baseIdTime, keyIndex } = block;
    const bound = this.#logTime - this.#windowMs;
    const closed = block.keys.map((key) => (this.#closes.get(key.scope) ?? offset) < offset);
    const anyClosed = closed.includes(true);
    const window = this.#window;
    let verdicts: Uint8Array | null = null;
    for (let index = 0; index < count; index += 1) {
      const time = baseIdTime + (idTimeDelta[index] as number);
      let verdict = COUNTED;
      if (time < bound) verdict = EXPIRED;
      else if (anyClosed && closed[keyIndex[index] as number] === true) {
        verdict = window.has(time, x[index] as number, y[index] as number, z[index] as number)
          ? DUPLICATE
          : LATE;
      } else if (!window.add(time, x[index] as number, y[index] as number, z[index] as number)) {
        verdict = DUPLICATE;
      }
      if (verdict !== COUNTED) {
        verdicts ??= new Uint8Array(count);
        verdicts[index] = verdict;
      }
    }
    return verdicts;
  }

  #control(offset: number, record: ControlRecord): Decision {
    if (record.type === 'close') {
      const fresh = !this.#closes.has(record.scope);
      if (fresh) this.#closes.set(record.scope, offset);
      return { kind: 'close', offset, scope: record.scope, fresh };
    }
    const effects: ActEffect[] = [];
    for (const target of record.targets) {
      const act = { kind: record.type, actId: record.actId, target: target.id };
      if (this.#acts.has(act)) continue;
      const { item, lane, minute } = target;
      effects.push({
        ...act,
        scope: record.scope,
        item,
        lane,
        minute,
        change: this.#acts.apply(act),
      });
    }
    return { kind: 'acts', offset, effects };
  }

  #remember(offset: number, block: EventBlock): void {
    let delta = 0;
    for (let index = 0; index < block.count; index += 1) {
      const value = block.idTimeDelta[index] as number;
      if (value > delta) delta = value;
    }
    this.#spans.push({ offset, idTimeMax: block.baseIdTime + delta });
    this.#forget();
  }

  /** Lets go of what log time has left behind. */
  #forget(): void {
    const bound = this.#logTime - this.#windowMs;
    while (this.#spansFrom < this.#spans.length) {
      const span = this.#spans[this.#spansFrom];
      if (span === undefined || span.idTimeMax >= bound) break;
      this.#spansFrom += 1;
    }
    if (this.#spansFrom > 1024 && this.#spansFrom * 2 > this.#spans.length) {
      this.#spans.splice(0, this.#spansFrom);
      this.#spansFrom = 0;
    }
    // The window lets go of whole spans of 8 s: asking once a second is often enough.
    if (bound - this.#droppedBefore >= 1000) {
      this.#window.dropBefore(bound);
      this.#droppedBefore = bound;
    }
  }
}

function foreignBlock(offset: number, kind: 'pulses' | 'usage'): ApuraError {
  return new ApuraError('block_invalid', `Block ${offset} holds ${kind}: this is a log of votes.`);
}
