/** Fills a ledger with votes by steps as a worker commits them, without a log before it. */
import type { EventKey } from '../src/domain/counting/key.ts';
import type { EventColumns, Ledger, LedgerStep } from '../src/ports/ledger.ts';
import { highest } from './statistics.ts';

export interface FedVotes {
  readonly scope: string;
  /** When the first vote was made, ms since the Unix epoch. */
  readonly begunAt: number;
  /** The rate that the ids' times tell of. */
  readonly votesPerMs: number;
}

export const FED_PARTITIONS = 12;
export const FED_STEP_VOTES = 20_000;
const STEP_BLOCKS = 40;
const TRAVEL_MS = 40;
const MINUTE_MS = 60_000;
const OPTIONS = ['ana', 'davi', 'marina'];

/** Commits steps of new votes, partition by partition, one at a time as one worker does. */
export class LedgerFeeder {
  readonly #ledger: Ledger;
  readonly #votes: FedVotes;
  readonly #keys: readonly EventKey[];
  readonly #epochs: number[] = [];
  readonly #next: number[] = [];
  #steps = 0;
  #state = 0x9e3779b9;
  /** An id of the first step. */
  firstId = '';

  constructor(ledger: Ledger, votes: FedVotes) {
    this.#ledger = ledger;
    this.#votes = votes;
    this.#keys = OPTIONS.map((item) => ({ scope: votes.scope, item, lane: 'valid' }));
  }

  get votes(): number {
    return this.#steps * FED_STEP_VOTES;
  }

  async start(): Promise<void> {
    for (let partition = 0; partition < FED_PARTITIONS; partition += 1) {
      this.#epochs.push((await this.#ledger.takeOver(partition)).epoch);
      this.#next.push(0);
    }
  }

  /** @returns how long each commit took, ms. @throws where a step is not applied. */
  async feed(votes: number): Promise<readonly number[]> {
    const times: number[] = [];
    const end = this.votes + votes;
    while (this.votes < end) {
      const step = this.#step();
      const startedAt = performance.now();
      const outcome = await this.#ledger.commit(step);
      times.push(performance.now() - startedAt);
      if (outcome !== 'applied') throw new Error(`A step was ${outcome}.`);
      this.#next[step.partition] = step.checkpoint.nextOffset;
      this.#steps += 1;
    }
    return times;
  }

  #step(): LedgerStep {
    const partition = this.#steps % FED_PARTITIONS;
    const from = this.#next[partition] ?? 0;
    const counted = this.#columns(from);
    if (this.firstId === '') {
      this.firstId = Buffer.from(counted.ids.subarray(0, 16)).toString('hex');
    }
    const logTime = highest(counted.acceptedAt);
    const nextOffset = from + STEP_BLOCKS;
    const checkpoint = { nextOffset, logTime, windowStartOffset: 0, lastBlockCrc: 1 };
    const sums = {
      logged: FED_STEP_VOTES,
      counted: FED_STEP_VOTES,
      duplicate: 0,
      expired: 0,
      late: 0,
    };
    return {
      partition,
      epoch: this.#epochs[partition] ?? 0,
      from,
      checkpoint,
      acceptedFrom: counted.acceptedAt[0] ?? null,
      counts: countsOf(counted),
      books: [{ scope: this.#votes.scope, ...sums, voided: 0 }],
      closes: [],
      acts: [],
      counted,
      excluded: { ...columns(this.#keys, 0), verdict: new Uint8Array() },
    };
  }

  #columns(from: number): EventColumns {
    const votes = columns(this.#keys, FED_STEP_VOTES);
    const { begunAt, votesPerMs } = this.#votes;
    const view = new DataView(votes.ids.buffer);
    const round = Math.floor(this.#steps / FED_PARTITIONS) * FED_PARTITIONS * FED_STEP_VOTES;
    for (let vote = 0; vote < FED_STEP_VOTES; vote += 1) {
      const time = begunAt + Math.floor((round + vote * FED_PARTITIONS) / votesPerMs);
      view.setUint32(vote * 16, Math.floor(time / 0x1_0000));
      view.setUint16(vote * 16 + 4, time % 0x1_0000);
      view.setUint16(vote * 16 + 6, this.#random() & 0xffff);
      view.setUint32(vote * 16 + 8, this.#random());
      view.setUint32(vote * 16 + 12, this.#random());
      votes.keyIndex[vote] = vote % this.#keys.length;
      votes.acceptedAt[vote] = time + TRAVEL_MS;
      votes.offset[vote] = from + Math.floor((vote * STEP_BLOCKS) / FED_STEP_VOTES);
    }
    return votes;
  }

  /** Words that look random enough to be ids, the same in every run. */
  #random(): number {
    this.#state ^= this.#state << 13;
    this.#state ^= this.#state >>> 17;
    this.#state ^= this.#state << 5;
    return this.#state >>> 0;
  }
}

function columns(keys: readonly EventKey[], count: number) {
  return {
    count,
    ids: new Uint8Array(count * 16),
    keyIndex: new Uint16Array(count),
    acceptedAt: new Float64Array(count),
    offset: new Float64Array(count),
    keys,
  };
}

function countsOf({ count, keys, keyIndex, acceptedAt }: EventColumns): LedgerStep['counts'] {
  const counts = new Map<string, { key: number; minute: number; count: number }>();
  for (let vote = 0; vote < count; vote += 1) {
    const key = keyIndex[vote] ?? 0;
    const minute = Math.floor((acceptedAt[vote] ?? 0) / MINUTE_MS);
    const total = counts.get(`${key} ${minute}`) ?? { key, minute, count: 0 };
    total.count += 1;
    counts.set(`${key} ${minute}`, total);
  }
  return [...counts.values()].flatMap(({ key, ...rest }) => {
    const name = keys[key];
    return name === undefined ? [] : [{ ...name, ...rest }];
  });
}
