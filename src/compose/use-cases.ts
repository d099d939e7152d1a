/** The voting use cases, bound to the stores of one process. */
import { createHash } from 'node:crypto';
import { changePollState } from '../application/voting/change-poll-state.ts';
import { createPoll } from '../application/voting/create-poll.ts';
import { exportVotes } from '../application/voting/export-votes.ts';
import { GetImage } from '../application/voting/get-image.ts';
import { GetReceipt } from '../application/voting/get-receipt.ts';
import { type ConsistencyStatement, getReport } from '../application/voting/get-report.ts';
import { listActs } from '../application/voting/list-acts.ts';
import type { PollReading } from '../application/voting/log-router.ts';
import type { PollEditorDeps } from '../application/voting/poll-editor.ts';
import { putOptionImage } from '../application/voting/put-option-image.ts';
import { RunPollSchedule } from '../application/voting/run-poll-schedule.ts';
import { updatePoll } from '../application/voting/update-poll.ts';
import { encodeControlRecord } from '../domain/counting/control-record.ts';
import type { LogSettings } from '../domain/counting/log-settings.ts';
import type { Poll } from '../domain/voting/poll.ts';
import type { VotingUseCases } from '../edge/http/api-deps.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { Clock } from '../ports/clock.ts';
import { EFFECT_DELAY_MS, type Ingest, newPollId } from './ingest.ts';
import { type LedgerQuestions, remoteLedger } from './remote-stores.ts';

/** One log as the use cases need it. */
export interface LogParts {
  readonly settings: LogSettings;
  readonly ledger: LedgerQuestions;
  /** Appends an empty block of the present time. */
  appendTimeMark(partition: number): Promise<unknown>;
  /** Appends a control record to one event partition. */
  appendControl(partition: number, payload: Uint8Array): Promise<unknown>;
}

/** What the voting use cases of one process are bound to. */
export interface VotingParts {
  readonly catalogue: Catalogue;
  readonly clock: Clock;
  readonly directory: PollReading;
  readonly publisher: PollEditorDeps['publisher'];
  readonly effectDelayMs: number;
  /** The id of the newest log, where polls are made. */
  readonly newestLog: string;
  /** The log that a poll's votes stand in. @throws ApuraError `not_ready`: this process has not opened it. */
  logOf(poll: Pick<Poll, 'log'>): LogParts;
  /** What was last found when the poll's log and its stores were compared. */
  consistency(): ConsistencyStatement;
}

export function pollEditor({
  catalogue,
  clock,
  publisher,
  effectDelayMs,
}: Pick<VotingParts, 'catalogue' | 'clock' | 'publisher' | 'effectDelayMs'>): PollEditorDeps {
  return { catalogue, clock, publisher, effectDelayMs };
}

export function createUseCases(parts: VotingParts): VotingUseCases {
  const { catalogue, clock, directory } = parts;
  const editor = pollEditor(parts);
  const images = new GetImage({ catalogue });
  const receipts = new WeakMap<LogParts, GetReceipt>();
  const receiptsOf = (log: LogParts): GetReceipt => {
    const { settings, ledger } = log;
    const known = receipts.get(log);
    if (known !== undefined) return known;
    const made = new GetReceipt({
      directory,
      clock,
      settings,
      ledger,
      ledgerLogTime: async (partition) => (await ledger.ledgerCheckpoint(partition)).logTime,
      appendTimeMark: async (partition) => {
        await log.appendTimeMark(partition);
      },
    });
    receipts.set(log, made);
    return made;
  };
  /** The log of a poll by its id; of a poll that is not there, any: the use case says that it is not. */
  const logById = (poll: string): LogParts =>
    parts.logOf(directory.stored(poll, clock.now()) ?? { log: parts.newestLog });
  return {
    createPoll: (input) => createPoll({ ...editor, newPollId, log: () => parts.newestLog }, input),
    updatePoll: (input) => updatePoll(editor, input),
    changePollState: (input) => changePollState(editor, input),
    putOptionImage: (input) => putOptionImage({ ...editor, sha256 }, input),
    getImage: (digest) => images.run(digest),
    getReceipt: (input) => receiptsOf(logById(input.poll)).run(input),
    getReport: (input) => {
      const { settings, ledger } = logById(input.poll);
      const reports = {
        directory,
        clock,
        settings,
        ledgerOf: (poll: Poll) => parts.logOf(poll).ledger,
        ledgerCheckpoint: (partition: number) => ledger.ledgerCheckpoint(partition),
        catalogue,
        consistency: () => parts.consistency(),
      };
      return getReport(reports, input);
    },
    listActs: (input) => listActs({ catalogue }, input),
    exportVotes: (input) =>
      exportVotes({ directory, clock, ledger: logById(input.poll).ledger, catalogue }, input),
    recordAct: (act) => catalogue.recordAct(act),
  };
}

/** `storesPassed`: whether every store has passed a CLOSE of the poll in every partition of its log. */
export function createSchedule(
  parts: Omit<VotingParts, 'consistency' | 'newestLog'>,
  settings: Pick<LogSettings, 'acceptanceBoundMs' | 'clockBoundMs'>,
  storesPassed: (poll: Poll) => Promise<boolean>,
): RunPollSchedule {
  const { directory, clock } = parts;
  return new RunPollSchedule({
    ...pollEditor(parts),
    directory,
    settings,
    appendClose: async (poll: Poll) => {
      const { settings, appendControl } = parts.logOf(poll);
      const closesAt = poll.closesAt ?? clock.now();
      const record = encodeControlRecord({ type: 'close', scope: poll.id, closesAt });
      for (let partition = 0; partition < settings.partitions; partition += 1) {
        await appendControl(partition, record);
      }
    },
    storesPassed,
  });
}

/** The parts of `serve`: one log, one door, changes hold at once. */
export function embeddedParts(
  ingest: Ingest,
  clock: Clock,
  consistency: () => ConsistencyStatement,
): VotingParts {
  const { catalogue, directory, publisher, settings, writer, queryThread } = ingest;
  const log: LogParts = {
    settings,
    ledger: remoteLedger(queryThread.calls, settings.logId),
    appendTimeMark: (partition) => writer.appendTimeMark(partition),
    appendControl: (partition, payload) => writer.appendControl(partition, payload),
  };
  return {
    catalogue,
    clock,
    directory,
    publisher,
    effectDelayMs: EFFECT_DELAY_MS,
    newestLog: settings.logId,
    logOf: () => log,
    consistency,
  };
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
