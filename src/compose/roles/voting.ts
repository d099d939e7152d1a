/** The voting use cases of a process that runs apart: several doors go by what it changes, each log by its own. */
import type { ConsistencyStatement } from '../../application/voting/get-report.ts';
import type { PollDirectories } from '../../application/voting/log-router.ts';
import {
  EFFECT_DELAY_APART_MS,
  PublishPollChanges,
} from '../../application/voting/publish-poll-changes.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { CONTROL_PARTITION } from '../../ports/event-log.ts';
import type { Ledger } from '../../ports/ledger.ts';
import type { LedgerQuestions } from '../remote-stores.ts';
import type { LogParts, VotingParts } from '../use-cases.ts';
import type { LogDoor } from './log-door.ts';
import type { RoleContext } from './process.ts';

/** A change that the log has confirmed is read back from it. */
const CONTROL_APPLIED_MS = 10_000;

export interface VotingOfLog {
  readonly door: LogDoor;
  readonly ledger: Ledger;
}

export interface VotingDeps {
  readonly catalogue: Catalogue;
  readonly directories: PollDirectories;
  /** One a log, oldest first. */
  readonly logs: readonly VotingOfLog[];
  readonly consistency: () => ConsistencyStatement;
}

export function votingParts({ clock }: RoleContext, deps: VotingDeps): VotingParts {
  const { catalogue, directories, consistency } = deps;
  const logs = new Map(deps.logs.map((log) => [log.door.place.settings.logId, log]));
  const parts = new Map([...logs].map(([logId, log]) => [logId, partsOf(log)]));
  const doorOf = (poll: Poll): LogDoor => known(logs, directories.logOf(poll)).door;
  const publisher = new PublishPollChanges({
    catalogue: {
      // Of a log that came after this process others take care, which have it open.
      unpublished: async () =>
        (await catalogue.unpublished()).filter((poll) => logs.has(directories.logOf(poll))),
      markPublished: (poll, version) => catalogue.markPublished(poll, version),
    },
    directory: directories,
    clock,
    effectDelayMs: EFFECT_DELAY_APART_MS,
    appendControl: (payload, poll) => doorOf(poll).writer.appendControl(CONTROL_PARTITION, payload),
    applied: (offset, poll) => doorOf(poll).follower.until(offset, CONTROL_APPLIED_MS),
  });
  return {
    catalogue,
    clock,
    directory: directories,
    publisher,
    effectDelayMs: EFFECT_DELAY_APART_MS,
    newestLog: [...logs.keys()].at(-1) ?? '',
    logOf: (poll) => known(parts, directories.logOf(poll)),
    consistency,
  };
}

function known<T>(logs: ReadonlyMap<string, T>, logId: string): T {
  const log = logs.get(logId);
  if (log !== undefined) return log;
  throw new ApuraError(
    'not_ready',
    `This process has not opened the log ${logId}: start it again.`,
  );
}

function partsOf({ door, ledger }: VotingOfLog): LogParts {
  return {
    settings: door.place.settings,
    ledger: questionsOf(ledger),
    appendTimeMark: (partition) => door.writer.appendTimeMark(partition),
    appendControl: (partition, payload) => door.writer.appendControl(partition, payload),
  };
}

function questionsOf(ledger: Ledger): LedgerQuestions {
  return {
    find: (id) => ledger.find(id),
    events: (scope, cursor, limit) => ledger.events(scope, cursor, limit),
    windows: (scope, fromMinute, toMinute) => ledger.windows(scope, fromMinute, toMinute),
    books: (scope) => ledger.books(scope),
    ledgerCheckpoint: (partition) => ledger.checkpoint(partition),
  };
}
