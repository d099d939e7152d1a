/** The stores of other threads, as ports of this one. */
import type { MovingStore } from '../application/counting/reconcile.ts';
import type { Checkpoint } from '../domain/counting/checkpoint.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Ledger } from '../ports/ledger.ts';
import type { RemoteCalls } from '../runtime/remote-calls.ts';

/** A method of the other thread by its name, with the port's own types. */
type Method<Port, Name extends keyof Port> = Port[Name] extends (...args: infer A) => infer R
  ? (...args: A) => R
  : never;

function method<Port, Name extends keyof Port & string>(
  calls: RemoteCalls,
  name: Name,
  first: readonly unknown[] = [],
): Method<Port, Name> {
  const call = (...args: readonly unknown[]): Promise<unknown> =>
    calls.call(name, [...first, ...args]);
  return call as Method<Port, Name>;
}

export function remoteCatalogue(calls: RemoteCalls): Catalogue {
  return {
    mintLogSettings: method<Catalogue, 'mintLogSettings'>(calls, 'mintLogSettings'),
    logs: method<Catalogue, 'logs'>(calls, 'logs'),
    addLog: method<Catalogue, 'addLog'>(calls, 'addLog'),
    putConsistency: method<Catalogue, 'putConsistency'>(calls, 'putConsistency'),
    consistency: method<Catalogue, 'consistency'>(calls, 'consistency'),
    now: method<Catalogue, 'now'>(calls, 'now'),
    putPoll: method<Catalogue, 'putPoll'>(calls, 'putPoll'),
    poll: method<Catalogue, 'poll'>(calls, 'poll'),
    polls: method<Catalogue, 'polls'>(calls, 'polls'),
    unpublished: method<Catalogue, 'unpublished'>(calls, 'unpublished'),
    markPublished: method<Catalogue, 'markPublished'>(calls, 'markPublished'),
    image: method<Catalogue, 'image'>(calls, 'image'),
    recordAct: method<Catalogue, 'recordAct'>(calls, 'recordAct'),
    acts: method<Catalogue, 'acts'>(calls, 'acts'),
    async [Symbol.asyncDispose]() {},
  };
}

/** What questions need of the ledger, answered by the query thread. */
export interface LedgerQuestions extends Pick<Ledger, 'find' | 'events' | 'windows' | 'books'> {
  ledgerCheckpoint(partition: number): Promise<Checkpoint>;
}

export function remoteLedger(calls: RemoteCalls, logId: string): LedgerQuestions {
  return {
    find: method<Ledger, 'find'>(calls, 'find', [logId]),
    events: method<Ledger, 'events'>(calls, 'events', [logId]),
    windows: method<Ledger, 'windows'>(calls, 'windows', [logId]),
    books: method<Ledger, 'books'>(calls, 'books', [logId]),
    ledgerCheckpoint: method<LedgerQuestions, 'ledgerCheckpoint'>(calls, 'ledgerCheckpoint', [
      logId,
    ]),
  };
}

/** A store that a thread keeps up with the log. */
export interface RemoteStore extends MovingStore {
  hasPassedClose(scope: string): Promise<boolean>;
}

export function remoteStore(calls: RemoteCalls): RemoteStore {
  return {
    read: method<RemoteStore, 'read'>(calls, 'read'),
    countsAt: method<RemoteStore, 'countsAt'>(calls, 'countsAt'),
    hasPassedClose: method<RemoteStore, 'hasPassedClose'>(calls, 'hasPassedClose'),
  };
}
