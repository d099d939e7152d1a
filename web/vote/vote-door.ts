/**
 * Speaks to the API and turns every possible answer, or none, into the few that the outbox acts on.
 *
 * Only Apura's own word is definite: a 4xx counts as a refusal when it carries a problem code. Anything
 * else that comes back (a captive portal's page, a proxy's error, half a body) says nothing about the vote.
 */
import type { AskAnswer, SendAnswer } from './delivery.ts';
import type { ReceiptStatus } from './poll.ts';
import type { ServerClock } from './server-clock.ts';

export type Fetch = (url: string, init: RequestInit) => Promise<Response>;

export type VoteDoor = {
  /** Sends the vote once. Never throws. */
  readonly send: (option: string, key: string) => Promise<SendAnswer>;
  /** Asks what became of a key. Never throws. */
  readonly ask: (key: string) => Promise<AskAnswer>;
  /** Measures the server's clock with one request; false when there was no answer. Never throws. */
  readonly measureClock: () => Promise<boolean>;
};

/** A phone on a bad network may need seconds; longer than this and a new connection is the better bet. */
const ANSWER_TIMEOUT_MS = 10_000;

const RECEIPT_STATUSES: readonly ReceiptStatus[] = [
  'pending',
  'counted',
  'duplicate',
  'expired',
  'late',
  'voided',
  'not_counted_final',
];

export function openVoteDoor(
  poll: string,
  fetch: Fetch,
  clock: ServerClock,
  answerTimeoutMs = ANSWER_TIMEOUT_MS,
): VoteDoor {
  const request = (url: string, init: RequestInit) => hear(fetch, url, init, answerTimeoutMs);
  const base = `/v1/polls/${encodeURIComponent(poll)}`;
  return {
    async send(option, key) {
      const heard = await request(`${base}/votes`, {
        method: 'POST',
        headers: { 'content-type': 'application/json', 'idempotency-key': key },
        body: JSON.stringify({ option }),
        keepalive: true,
      });
      return readSendAnswer(heard);
    },
    async ask(key) {
      return readAskAnswer(await request(`${base}/receipts/${key}`, { cache: 'no-store' }));
    },
    async measureClock() {
      const leftAt = clock.monotonic();
      const heard = await request('/v1/time', { cache: 'no-store' });
      const time = heard?.status === 200 ? heard.body.serverTime : undefined;
      if (typeof time !== 'string' || Number.isNaN(Date.parse(time))) return false;
      clock.observe(Date.parse(time), clock.monotonic(), leftAt);
      return true;
    },
  };
}

type Heard = {
  readonly status: number;
  readonly body: Readonly<Record<string, unknown>>;
  readonly retryAfterMs: number | null;
};

async function hear(
  fetch: Fetch,
  url: string,
  init: RequestInit,
  timeoutMs: number,
): Promise<Heard | null> {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), timeoutMs);
  try {
    const response = await fetch(url, { ...init, signal: abort.signal });
    const retryAfterMs = readRetryAfter(response.headers.get('retry-after'));
    return { status: response.status, body: readObject(await response.text()), retryAfterMs };
  } catch {
    return null;
  } finally {
    clearTimeout(timer);
  }
}

function readSendAnswer(heard: Heard | null): SendAnswer {
  if (heard === null) return { kind: 'unknown', heard: false, retryAfterMs: null };
  const { status, body, retryAfterMs } = heard;
  const { acceptedAt, token, code } = body;
  if (status === 202 && typeof acceptedAt === 'string') {
    return { kind: 'accepted', acceptedAt, token: typeof token === 'string' ? token : null };
  }
  if (code === 'overloaded') return { kind: 'overloaded', retryAfterMs };
  if (isRefusal(status) && typeof code === 'string') return { kind: 'refused', code };
  return { kind: 'unknown', heard: true, retryAfterMs };
}

function readAskAnswer(heard: Heard | null): AskAnswer {
  if (heard === null) return { kind: 'unknown', heard: false, retryAfterMs: null };
  const { status, body, retryAfterMs } = heard;
  const { acceptedAt, code } = body;
  if (status === 200 && isReceiptStatus(body.status)) {
    const at = typeof acceptedAt === 'string' ? acceptedAt : null;
    return { kind: 'receipt', status: body.status, acceptedAt: at };
  }
  if (isRefusal(status) && typeof code === 'string') return { kind: 'refused', code };
  return { kind: 'unknown', heard: true, retryAfterMs };
}

/** 4xx, save those that ask for patience. */
function isRefusal(status: number): boolean {
  return status >= 400 && status < 500 && status !== 408 && status !== 425 && status !== 429;
}

function isReceiptStatus(value: unknown): value is ReceiptStatus {
  return RECEIPT_STATUSES.some((status) => status === value);
}

function readRetryAfter(header: string | null): number | null {
  if (header === null || !/^\d{1,9}$/.test(header.trim())) return null;
  return Number(header) * 1_000;
}

function readObject(text: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}
