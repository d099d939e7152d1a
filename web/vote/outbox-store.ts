/** Keeps the outbox where a reload finds it again, and in memory where the browser allows no storage. */
import type { Delivery } from './delivery.ts';

/** The part of `Storage` (localStorage) that is needed. */
export type KeyValueStore = {
  readonly getItem: (key: string) => string | null;
  readonly setItem: (key: string, value: string) => void;
};

export type OutboxContents = {
  /** The server asked for peace until then: ms since the epoch, server time. Kept across a reload. */
  readonly quietUntil: number;
  readonly deliveries: readonly Delivery[];
};

const EMPTY: OutboxContents = { quietUntil: 0, deliveries: [] };

const FORMAT = 1;

export class OutboxStore {
  readonly #key: string;
  readonly #store: KeyValueStore | null;
  #memory: OutboxContents = EMPTY;
  #durable: boolean;

  /** `store` is null where the browser has none for this page. */
  constructor(poll: string, store: KeyValueStore | null) {
    this.#key = `apura.outbox.${poll}`;
    this.#store = store;
    this.#durable = store !== null;
  }

  /** Whether what was saved last will survive a reload. */
  get durable(): boolean {
    return this.#durable;
  }

  /** What is stored now, also by another tab. What Apura did not write counts as nothing. */
  load(): OutboxContents {
    if (this.#store === null || !this.#durable) return this.#memory;
    try {
      return parseContents(this.#store.getItem(this.#key));
    } catch {
      this.#durable = false;
      return this.#memory;
    }
  }

  save(contents: OutboxContents): void {
    this.#memory = contents;
    if (this.#store === null) return;
    try {
      this.#store.setItem(this.#key, JSON.stringify({ format: FORMAT, ...contents }));
      this.#durable = true;
    } catch {
      this.#durable = false;
    }
  }
}

function parseContents(text: string | null): OutboxContents {
  if (text === null) return EMPTY;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return EMPTY;
  }
  if (!isRecord(value) || value.format !== FORMAT) return EMPTY;
  const { quietUntil, deliveries } = value;
  if (typeof quietUntil !== 'number' || !Array.isArray(deliveries)) return EMPTY;
  return { quietUntil, deliveries: deliveries.filter(isDelivery) };
}

const DELIVERY_FIELDS: Readonly<Record<keyof Delivery, (value: unknown) => boolean>> = {
  localId: isString,
  option: isString,
  optionName: isString,
  chosenAt: Number.isFinite,
  key: (value) => value === null || isString(value),
  keyAt: Number.isFinite,
  rekeys: Number.isFinite,
  inFlight: isBoolean,
  mayHaveArrived: isBoolean,
  mustAsk: isBoolean,
  askAt: Number.isFinite,
  pendingAnswers: Number.isFinite,
  fate: (value) => value === null || (isRecord(value) && isString(value.kind)),
};

function isDelivery(value: unknown): value is Delivery {
  if (!isRecord(value)) return false;
  return Object.entries(DELIVERY_FIELDS).every(([field, fits]) => fits(value[field]));
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null;
}

function isString(value: unknown): boolean {
  return typeof value === 'string';
}

function isBoolean(value: unknown): boolean {
  return typeof value === 'boolean';
}
