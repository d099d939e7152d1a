/** What the HTTP edge is given: use cases bound to their stores, the state in memory, and the settings of the doors. */
import type { ApiKeys } from '../../application/metering/api-keys.ts';
import type { ChangePollStateResult } from '../../application/voting/change-poll-state.ts';
import type { CreatePollResult } from '../../application/voting/create-poll.ts';
import type { ExportVotesResult } from '../../application/voting/export-votes.ts';
import type { GetImageResult } from '../../application/voting/get-image.ts';
import type { GetReceiptResult } from '../../application/voting/get-receipt.ts';
import type { GetReportInput, GetReportResult } from '../../application/voting/get-report.ts';
import type { ResultsDeps } from '../../application/voting/get-results.ts';
import type { PollTarget } from '../../application/voting/poll-editor.ts';
import type { PutOptionImageResult } from '../../application/voting/put-option-image.ts';
import type { UpdatePollResult } from '../../application/voting/update-poll.ts';
import type { PollAct } from '../../domain/voting/poll-lifecycle.ts';
import type { Audience } from '../../domain/voting/visibility.ts';
import type { ActPage, OperatorAct } from '../../ports/catalogue.ts';
import type { Durability } from '../../ports/event-log.ts';
import type { AssetCatalogue } from './assets.ts';
import type { ConsoleSessions } from './console-sessions.ts';
import type { MeteringUseCases } from './metering-deps.ts';
import type { Operators } from './operators.ts';
import type { PublicErrorCode, ReportFailure } from './problems.ts';
import type { ResultsBodies } from './results-bodies.ts';
import type { ResultsTokens } from './results-token.ts';

/**
 * Which routes a port has. `combined`: all, metrics for operators. With APURA_ADMIN_PORT there are
 * two: `public` without a trace of the operators' routes, and `admin` with all, metrics for anybody.
 */
export type Surface = 'combined' | 'public' | 'admin';

/** What the operators and the public ask that leaves this thread's memory. */
export interface VotingUseCases {
  createPoll(input: { readonly body: unknown; readonly actor: string }): Promise<CreatePollResult>;
  updatePoll(input: {
    readonly poll: string;
    readonly body: unknown;
    readonly actor: string;
  }): Promise<UpdatePollResult>;
  changePollState(input: PollTarget & { readonly act: PollAct }): Promise<ChangePollStateResult>;
  putOptionImage(
    input: PollTarget & { readonly option: string; readonly bytes: Uint8Array },
  ): Promise<PutOptionImageResult>;
  getImage(sha256: string): Promise<GetImageResult>;
  getReceipt(input: { readonly poll: string; readonly id: string }): Promise<GetReceiptResult>;
  getReport(input: GetReportInput): Promise<GetReportResult>;
  listActs(input: {
    readonly poll: string | null;
    readonly cursor: string | null;
    readonly limit: number;
  }): Promise<ActPage>;
  exportVotes(input: {
    readonly poll: string;
    readonly audience: Audience;
    readonly actor: string;
  }): Promise<ExportVotesResult>;
  /** Records an export of what memory holds: results and hours. */
  recordAct(act: OperatorAct): Promise<void>;
}

export interface Readiness {
  /** Whether votes are taken now. */
  readonly ready: boolean;
  readonly durability: Durability;
  readonly logId: string;
  readonly parts: readonly {
    readonly name: string;
    readonly ready: boolean;
    /** Why it is not ready, or what is to be done though it is; null where all is well. */
    readonly detail: string | null;
  }[];
}

export interface ConsistencyReport {
  readonly state: 'consistent' | 'different' | 'checking';
  /** ms since the Unix epoch; null before the first check has ended. */
  readonly checkedAt: number | null;
  readonly detail: string | null;
  /** What an operator must know of, each in a sentence. */
  readonly alarms: readonly string[];
  /** Whether every store has followed the log to its end. */
  readonly drained: boolean;
  /** One past the last offset, a partition of each log. */
  readonly logEnd: readonly (LogPartition & { readonly end: number })[];
  /** The next offset that the store will take. */
  readonly tally: readonly (LogPartition & { readonly next: number })[];
  readonly ledger: readonly (LogPartition & { readonly next: number })[];
}

interface LogPartition {
  /** The log's id: an installation that has grown has several. */
  readonly log: string;
  readonly partition: number;
}

export interface Operations {
  readiness(): Readiness;
  consistency(): Promise<ConsistencyReport>;
  /** The Prometheus text and its content type. */
  metrics(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** What became of a vote that a plain form sent. */
export type FormVoteOutcome =
  | { readonly kind: 'accepted'; readonly id: string }
  /** Nothing was logged. */
  | { readonly kind: 'refused'; readonly code: PublicErrorCode }
  /** It may have been logged: to be sent again under the same key. */
  | { readonly kind: 'unknown'; readonly id: string };

export interface PagesDeps {
  readonly surface: Surface;
  /** Directory, board and clock: whatever can be read without leaving memory. */
  readonly reading: ResultsDeps;
  readonly results: ResultsBodies;
  readonly useCases: Pick<VotingUseCases, 'getReceipt'>;
  readonly assets: AssetCatalogue;
  /** Takes the vote of a form; `key` is the UUIDv7 that the page was given. */
  readonly castVote: (poll: string, option: string, key: string) => Promise<FormVoteOutcome>;
  readonly reportFailure: ReportFailure;
}

/** The query and management of metering beside the votes. */
export interface MeteringApi {
  readonly useCases: MeteringUseCases;
  readonly keys: Pick<ApiKeys, 'identify'>;
}

export interface ApiDeps extends PagesDeps {
  /** Origins whose pages may call the API, such as `https://example.com`. */
  readonly corsOrigins: readonly string[];
  readonly useCases: VotingUseCases;
  readonly operations: Operations;
  readonly operators: Operators;
  readonly sessions: ConsoleSessions;
  readonly resultsTokens: ResultsTokens;
  /** Null, or left out, where this process has no metering: its routes are not there. */
  readonly metering?: MeteringApi | null;
  /** The vote route. The server calls it without passing by here; it is here so that none is missing. */
  readonly vote: (request: Request, poll: string) => Response | Promise<Response>;
  /** The pulse route, here for the same reason. Null, or left out, where this process takes no pulses. */
  readonly takePulses?:
    | ((request: Request, remoteAddress: string) => Response | Promise<Response>)
    | null;
}

/** What is known of a request beside itself. */
export interface RequestContext {
  /** The client's address, after trusted proxies. */
  readonly remoteAddress: string;
  /** Whether the client's connection is encrypted, by this server or by a trusted proxy. */
  readonly isTls?: boolean;
}
