/**
 * Decides what to do with a vote that is kept on the device until its fate is known: send it, ask its
 * receipt, wait, or give up and say so. Pure: times and answers come in as values.
 *
 * The rule that all else follows from: a vote goes out under one key for as long as an earlier attempt may
 * have arrived. It gets a new key only when the server has said for certain that the old one can never
 * count: a first attempt that was refused for its time, or the receipt `not_counted_final`. And it is
 * called "not counted" only on the same grounds.
 */
import type { ReceiptStatus } from './poll.ts';

/** How the story of a vote ended, as far as this device will ever know. */
export type Fate =
  /** The server has it; `counted` when the receipt has confirmed the count already. */
  | { readonly kind: 'registered'; readonly acceptedAt: string | null; readonly counted: boolean }
  /** The server said no, and nothing was counted; `code` is a stable code of the API. */
  | { readonly kind: 'refused'; readonly code: string }
  /** The poll ended before the vote ever left this device. */
  | { readonly kind: 'missed' }
  /** The vote left, and the server says for certain that it did not count. */
  | { readonly kind: 'not_counted'; readonly status: NotCounted }
  /** The server could not tell in the time that we ask: only the receipt can, later. */
  | { readonly kind: 'unsettled' };

type NotCounted = Exclude<ReceiptStatus, 'pending' | 'counted' | 'duplicate'>;

/** One vote on its way. Times are milliseconds since the epoch in server time. */
export type Delivery = {
  /** Names the vote on this device only; the server never sees it. */
  readonly localId: string;
  readonly option: string;
  readonly optionName: string;
  readonly chosenAt: number;
  /** The Idempotency-Key, made when the vote is first sent. */
  readonly key: string | null;
  readonly keyAt: number;
  /** How many keys have been given up. */
  readonly rekeys: number;
  /** An attempt has left and no answer was taken in: after a reload, nobody knows. */
  readonly inFlight: boolean;
  /** An attempt under this key may have reached the log. */
  readonly mayHaveArrived: boolean;
  /** Sending again can not help: only the receipt can tell. */
  readonly mustAsk: boolean;
  readonly askAt: number;
  readonly pendingAnswers: number;
  readonly fate: Fate | null;
};

export type Step =
  | { readonly act: 'send' }
  | { readonly act: 'ask' }
  | { readonly act: 'wait'; readonly until: number }
  | { readonly act: 'settle'; readonly fate: Fate }
  | { readonly act: 'none' };

export type SendAnswer =
  | { readonly kind: 'accepted'; readonly acceptedAt: string; readonly token: string | null }
  | { readonly kind: 'refused'; readonly code: string }
  /** The server says that nothing was logged. */
  | { readonly kind: 'overloaded'; readonly retryAfterMs: number | null }
  /** It may have been logged: the server said so, or nobody said anything. */
  | { readonly kind: 'unknown'; readonly heard: boolean; readonly retryAfterMs: number | null };

export type AskAnswer =
  | { readonly kind: 'receipt'; readonly status: ReceiptStatus; readonly acceptedAt: string | null }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'unknown'; readonly heard: boolean; readonly retryAfterMs: number | null };

/** Doors take an id for half the dedup window of 10 min; the margin covers the way there. */
export const RESEND_AGE_MAX_MS = 5 * 60_000 - 10_000;
/** The clock's error may make the deadline look passed: within this, the server decides. */
export const DEADLINE_GRACE_MS = 2_000;
const REKEYS_MAX = 3;
const ASK_DELAY_FIRST_MS = 2_000;
const ASK_DELAY_MAX_MS = 30_000;
/** About 30 minutes of "pending" before the page stops asking by itself. */
const PENDING_ANSWERS_MAX = 64;

export function newDelivery(choice: {
  readonly localId: string;
  readonly option: string;
  readonly optionName: string;
  readonly chosenAt: number;
}): Delivery {
  return {
    ...choice,
    key: null,
    keyAt: 0,
    rekeys: 0,
    inFlight: false,
    mayHaveArrived: false,
    mustAsk: false,
    askAt: 0,
    pendingAnswers: 0,
    fate: null,
  };
}

/** What to do at `now`, when the poll takes votes until `closesAt` (null: until it is closed by hand). */
export function nextStep(delivery: Delivery, now: number, closesAt: number | null): Step {
  if (delivery.fate !== null) return { act: 'none' };
  const over = isOver(now, closesAt);
  const asks = delivery.mayHaveArrived || delivery.inFlight;
  if (!asks) return over ? { act: 'settle', fate: { kind: 'missed' } } : { act: 'send' };
  const fresh = now - delivery.keyAt < RESEND_AGE_MAX_MS;
  if (fresh && !over && !delivery.mustAsk) return { act: 'send' };
  return now >= delivery.askAt ? { act: 'ask' } : { act: 'wait', until: delivery.askAt };
}

/**
 * The first vote that can be sent or asked for now, or else the one that has to wait the shortest; null
 * when there is none.
 */
export function soonest(
  deliveries: readonly Delivery[],
  now: number,
  closesAt: number | null,
): { readonly delivery: Delivery; readonly act: 'send' | 'ask'; readonly restMs: number } | null {
  let best: ReturnType<typeof soonest> = null;
  for (const delivery of deliveries) {
    const step = nextStep(delivery, now, closesAt);
    if (step.act === 'send' || step.act === 'ask') return { delivery, act: step.act, restMs: 0 };
    if (step.act !== 'wait') continue;
    const restMs = step.until - now;
    if (best === null || restMs < best.restMs) best = { delivery, act: 'ask', restMs };
  }
  return best;
}

/**
 * The delivery as it must be stored before the attempt leaves: with its key, and in flight. `makeKey` is
 * called when there is no key yet, or when the old one is too old and has certainly never arrived.
 */
export function beforeSend(
  delivery: Delivery,
  now: number,
  makeKey: (time: number) => string,
): Delivery & { readonly key: string } {
  const mayHaveArrived = delivery.mayHaveArrived || delivery.inFlight;
  const usable = mayHaveArrived || now - delivery.keyAt < RESEND_AGE_MAX_MS;
  const kept = usable ? delivery.key : null;
  const key = kept ?? makeKey(now);
  const keyAt = kept === null ? now : delivery.keyAt;
  return { ...delivery, key, keyAt, mayHaveArrived, inFlight: true };
}

export function afterSend(sent: Delivery, answer: SendAnswer): Delivery {
  const delivery = { ...sent, inFlight: false };
  switch (answer.kind) {
    case 'accepted':
      return settled(delivery, {
        kind: 'registered',
        acceptedAt: answer.acceptedAt,
        counted: false,
      });
    case 'unknown':
      return { ...delivery, mayHaveArrived: true };
    case 'overloaded':
      return delivery;
    case 'refused':
      return afterRefusal(delivery, answer.code);
  }
}

export function afterAsk(
  delivery: Delivery,
  answer: AskAnswer,
  now: number,
  closesAt: number | null,
): Delivery {
  switch (answer.kind) {
    case 'unknown':
      return delivery;
    case 'refused':
      return settled(delivery, { kind: 'unsettled' });
    case 'receipt':
      break;
  }
  const { status, acceptedAt } = answer;
  switch (status) {
    case 'counted':
    case 'duplicate':
      return settled(delivery, { kind: 'registered', acceptedAt, counted: true });
    case 'late':
    case 'expired':
    case 'voided':
      return settled(delivery, { kind: 'not_counted', status });
    case 'not_counted_final':
      if (isOver(now, closesAt) || delivery.rekeys >= REKEYS_MAX) {
        return settled(delivery, { kind: 'not_counted', status });
      }
      return withoutKey(delivery);
    case 'pending':
      return afterPending(delivery, now);
  }
}

function afterRefusal(delivery: Delivery, code: string): Delivery {
  if (delivery.mayHaveArrived) {
    // An id ahead of the server's clock becomes good by waiting; any other refusal leaves the question
    // what became of the earlier attempt.
    return code === 'id_in_future' ? delivery : { ...delivery, mustAsk: true };
  }
  const wrongTime = code === 'id_expired' || code === 'id_in_future';
  if (wrongTime && delivery.rekeys < REKEYS_MAX) return withoutKey(delivery);
  return settled(delivery, { kind: 'refused', code });
}

function afterPending(delivery: Delivery, now: number): Delivery {
  const pendingAnswers = delivery.pendingAnswers + 1;
  if (pendingAnswers > PENDING_ANSWERS_MAX) return settled(delivery, { kind: 'unsettled' });
  const delay = Math.min(ASK_DELAY_MAX_MS, ASK_DELAY_FIRST_MS * 2 ** (pendingAnswers - 1));
  return { ...delivery, pendingAnswers, askAt: now + delay };
}

function withoutKey(delivery: Delivery): Delivery {
  return {
    ...delivery,
    key: null,
    keyAt: 0,
    rekeys: delivery.rekeys + 1,
    inFlight: false,
    mayHaveArrived: false,
    mustAsk: false,
    askAt: 0,
    pendingAnswers: 0,
  };
}

function settled(delivery: Delivery, fate: Fate): Delivery {
  return { ...delivery, inFlight: false, fate };
}

function isOver(now: number, closesAt: number | null): boolean {
  return closesAt !== null && now >= closesAt + DEADLINE_GRACE_MS;
}
