/** The voting use cases, bound to the stores of one process. */
import { createHash } from 'node:crypto';
import { changePollState } from '../application/voting/change-poll-state.ts';
import { createPoll } from '../application/voting/create-poll.ts';
import { exportVotes } from '../application/voting/export-votes.ts';
import { GetImage } from '../application/voting/get-image.ts';
import { GetReceipt } from '../application/voting/get-receipt.ts';
import { type ConsistencyStatement, getReport } from '../application/voting/get-report.ts';
import { listActs } from '../application/voting/list-acts.ts';
import type { PollEditorDeps } from '../application/voting/poll-editor.ts';
import { putOptionImage } from '../application/voting/put-option-image.ts';
import { RunPollSchedule } from '../application/voting/run-poll-schedule.ts';
import { updatePoll } from '../application/voting/update-poll.ts';
import { encodeControlRecord } from '../domain/counting/control-record.ts';
import type { Poll } from '../domain/voting/poll.ts';
import type { VotingUseCases } from '../edge/http/api-deps.ts';
import type { Clock } from '../ports/clock.ts';
import type { Counting } from './counting.ts';
import { EFFECT_DELAY_MS, type Ingest, newPollId } from './ingest.ts';
import { remoteLedger } from './remote-stores.ts';

export function pollEditor(ingest: Ingest, clock: Clock): PollEditorDeps {
  const { catalogue, publisher } = ingest;
  return { catalogue, clock, publisher, effectDelayMs: EFFECT_DELAY_MS };
}

/** `consistency`: what was last found when log, tally and ledger were compared. */
export function createUseCases(
  ingest: Ingest,
  clock: Clock,
  consistency: () => ConsistencyStatement,
): VotingUseCases {
  const { catalogue, directory, settings, writer, queryThread } = ingest;
  const editor = pollEditor(ingest, clock);
  const ledger = remoteLedger(queryThread.calls, settings.logId);
  const images = new GetImage({ catalogue });
  const receipts = new GetReceipt({
    directory,
    clock,
    settings,
    ledger,
    ledgerLogTime: async (partition) => (await ledger.ledgerCheckpoint(partition)).logTime,
    appendTimeMark: async (partition) => {
      await writer.appendTimeMark(partition);
    },
  });
  const reports = {
    directory,
    clock,
    settings,
    ledger,
    ledgerCheckpoint: (partition: number) => ledger.ledgerCheckpoint(partition),
    catalogue,
    consistency,
  };
  return {
    createPoll: (input) => createPoll({ ...editor, newPollId, log: () => settings.logId }, input),
    updatePoll: (input) => updatePoll(editor, input),
    changePollState: (input) => changePollState(editor, input),
    putOptionImage: (input) => putOptionImage({ ...editor, sha256 }, input),
    getImage: (digest) => images.run(digest),
    getReceipt: (input) => receipts.run(input),
    getReport: (input) => getReport(reports, input),
    listActs: (input) => listActs({ catalogue }, input),
    exportVotes: (input) => exportVotes({ directory, clock, ledger, catalogue }, input),
    recordAct: (act) => catalogue.recordAct(act),
  };
}

export function createSchedule(ingest: Ingest, counting: Counting, clock: Clock): RunPollSchedule {
  const { directory, settings, writer } = ingest;
  return new RunPollSchedule({
    ...pollEditor(ingest, clock),
    directory,
    settings,
    appendClose: async (poll: Poll) => {
      const closesAt = poll.closesAt ?? clock.now();
      const record = encodeControlRecord({ type: 'close', scope: poll.id, closesAt });
      for (let partition = 0; partition < settings.partitions; partition += 1) {
        await writer.appendControl(partition, record);
      }
    },
    storesPassed: async (poll: Poll) => {
      const passed = await Promise.all(
        [counting.tally, counting.ledger].map((store) => store.hasPassedClose(poll.id)),
      );
      return passed.every(Boolean);
    },
  });
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
