/** Polls and messages for the console's own tests. */
import type { HelloMessage, Ops, TickMessage } from './live-message.ts';
import type { Poll } from './poll.ts';

/** A whole minute: 2026-11-21T20:00:00Z. */
export const NOON = Date.parse('2026-11-21T20:00:00.000Z');

export function pollWith(change: Partial<Poll> = {}): Poll {
  return {
    id: 'final',
    title: 'Final',
    state: 'open',
    options: [
      { id: 'ana', name: 'Ana', imageUrl: null },
      { id: 'bia', name: 'Bia', imageUrl: null },
    ],
    opensAt: null,
    closesAt: null,
    timeZone: 'America/Sao_Paulo',
    votePolicy: 'unlimited',
    challengePolicy: 'off',
    resultsVisibility: 'after_vote',
    resultsDetail: 'percentage',
    look: { accentColor: null, logoUrl: null },
    version: 1,
    createdAt: '2026-11-21T18:00:00.000Z',
    updatedAt: '2026-11-21T18:00:00.000Z',
    ...change,
  };
}

export function opsWith(change: Partial<Ops> = {}): Ops {
  return {
    serverTime: new Date(NOON).toISOString(),
    door: {
      received: 10,
      accepted: 9,
      rejected: { poll_closed: 1 },
      unknown: 0,
      acceptedPerSecond: 3,
      peakPerSecond: 5,
      p50Ms: 1,
      p99Ms: 4,
    },
    lag: { tallyMs: 12, ledgerMs: 80, partitions: [] },
    consistency: { state: 'consistent', checkedAt: null, detail: null },
    processes: [],
    ...change,
  };
}

export function helloWith(change: Partial<HelloMessage> = {}): HelloMessage {
  return {
    type: 'hello',
    serverTime: new Date(NOON).toISOString(),
    durability: 'power-safe',
    logId: 'log-1',
    polls: [pollWith()],
    history: [],
    ops: opsWith(),
    acts: [],
    ...change,
  };
}

export function tickWith(change: Partial<TickMessage> = {}): TickMessage {
  return {
    type: 'tick',
    serverTime: new Date(NOON).toISOString(),
    poll: 'final',
    total: 10,
    options: { ana: 6, bia: 4 },
    version: 10,
    stale: false,
    ...change,
  };
}
