/** `apura load`: votes on schedule, whatever the server does, and a balance sheet of every one of them. */
import { ApuraError } from '../../domain/errors.ts';
import { findToken, TOKEN_FLAGS } from './admin-token.ts';
import type { Command, Flags, FlagValues } from './arguments.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { formatLatency, formatSpan } from './duration.ts';
import {
  durationFlag,
  integerFlag,
  numberFlag,
  optionalIntegerFlag,
  optionalTextFlag,
  switchFlag,
  textFlag,
} from './flag.ts';
import {
  BalanceCheck,
  type BalanceSheet,
  type OptionCounts,
  type ResultsSeen,
} from './load/balance-sheet.ts';
import { LoadGenerator } from './load/load-generator.ts';
import { type LoadRun, loadReportJson, loadReportText } from './load/load-report.ts';
import { LoadSchedule } from './load/load-schedule.ts';
import { OptionPicker } from './load/option-picker.ts';
import { RunRecord } from './load/run-record.ts';
import { ServerBooks } from './load/server-books.ts';
import { serverOffset } from './load/server-clock.ts';
import { VoteIds } from './load/vote-ids.ts';
import { VoteJournal } from './load/vote-journal.ts';
import { VoteRequests } from './load/vote-requests.ts';
import { localUrl, OperatorApi } from './operator-api.ts';
import { ProgressBar } from './progress-bar.ts';
import { reportErrors, runCommand } from './run-command.ts';
import { runLoadPulses } from './run-load-pulses.ts';

/** The journal keeps 8 bytes a vote. */
const VOTES_MAX = 50_000_000;
const CONNECT_WITHIN_MS = 5_000;
const SCHEDULE_LEAD_MS = 20;
const RESULTS_WITHIN_MS = 5_000;
const ASK_AGAIN_MS = 100;

const COMMAND = {
  name: 'apura load',
  summary: 'Sends votes on schedule and checks, id by id, that the server counted them right.',
  flags: {
    url: optionalTextFlag(
      'where votes go (default: this machine, at $APURA_HTTP_PORT or 8080)',
      'URL',
    ),
    adminUrl: optionalTextFlag(
      "where the operators' routes are (default: $APURA_ADMIN_PORT here, or --url)",
      'URL',
    ),
    poll: textFlag('the poll to vote in', 'POLL', 'demo'),
    rate: integerFlag('votes a second, sent on schedule whatever the answers do', 20_000, {
      min: 1,
      max: 1_000_000,
    }),
    duration: durationFlag('for how long votes fall due', '30s', { min: 1, max: 86_400_000 }),
    connections: integerFlag('keep-alive connections', 64, { min: 1, max: 16_384 }),
    pipeline: integerFlag('requests under way at once on a connection', 1, { min: 1, max: 256 }),
    retry: switchFlag('votes without a certain answer stay unknown at once', true),
    retryFor: durationFlag('how long a vote is sent again, always with the same id', '5m', {
      min: 1,
      max: 300_000,
    }),
    timeout: durationFlag('an answer that takes longer counts as lost', '10s', {
      min: 10,
      max: 120_000,
    }),
    skew: numberFlag('how uneven the options are: 0 all alike, 1 as 1, 1/2, 1/3, …', 1, {
      min: 0,
      max: 5,
    }),
    seed: optionalIntegerFlag('picks the options (default: drawn and printed)', {
      min: 0,
      max: 0xffff_ffff,
    }),
    spin: switchFlag('wake by spinning: departures to the microsecond, for a whole core', false),
    check: switchFlag("skip the balance sheet with the server's books", true),
    settle: durationFlag('how long the server may take to count to the end of its log', '60s', {
      min: 100,
      max: 3_600_000,
    }),
    json: switchFlag('print one JSON object instead of text', false),
    ...TOKEN_FLAGS,
  },
  notes:
    'Latency counts from the instant at which a vote was due, so that a server that stalls can not\n' +
    'hide it by making the generator wait. Exits with 1 when the balance sheet is not exact.\n' +
    'Pulses of metering instead of votes: apura load pulses --help',
} satisfies Command<Flags>;

type LoadFlags = FlagValues<(typeof COMMAND)['flags']>;

/** Runs the command; resolves to its exit code. */
export function runLoad(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  if (argv[0] === 'pulses') return runLoadPulses(argv.slice(1), io);
  return runCommand(COMMAND, argv, io, (flags) => load(flags, io));
}

/** Everything that is known before the first vote leaves. */
interface Preparation {
  readonly api: OperatorApi;
  readonly books: ServerBooks | null;
  readonly before: OptionCounts;
  readonly options: readonly string[];
  readonly serverOffsetMs: number;
  readonly seed: number;
}

interface Outcome {
  readonly journal: VoteJournal;
  readonly record: RunRecord;
  readonly ids: VoteIds;
  readonly cpuPercent: number;
}

async function load(flags: LoadFlags, io: CliIo): Promise<ExitCode> {
  const prepared = await prepare(flags, io);
  const outcome = await sendVotes(flags, prepared, io);
  let sheet: BalanceSheet | null = null;
  const exitCode = await reportErrors(io, async () => {
    sheet = await drawSheet(flags, prepared, outcome, io);
    return 0;
  });
  const run: LoadRun = {
    url: prepared.api.url.origin,
    poll: flags.poll,
    ratePerSecond: flags.rate,
    durationMs: flags.duration,
    connections: flags.connections,
    pipeline: flags.pipeline,
    retryForMs: flags.retry ? flags.retryFor : 0,
    seed: prepared.seed,
    record: outcome.record,
    totals: outcome.journal.totals(),
    sheet,
    cpuPercent: outcome.cpuPercent,
  };
  await io.stdout(flags.json ? `${JSON.stringify(loadReportJson(run))}\n` : loadReportText(run));
  return run.sheet?.exact === false ? 1 : exitCode;
}

async function prepare(flags: LoadFlags, io: CliIo): Promise<Preparation> {
  if ((flags.rate * flags.duration) / 1_000 > VOTES_MAX) {
    const words = `--rate times --duration is over ${VOTES_MAX} votes, more than a run keeps.`;
    throw new ApuraError('usage', words);
  }
  // Not io.signal: a run that is stopped still draws its balance sheet.
  const token = await findToken(flags, io.env);
  const api = new OperatorApi(flags.url ?? localUrl(io.env, 'public'), token);
  if (api.url.protocol !== 'http:') {
    throw new ApuraError('usage', 'apura load speaks plain HTTP: --url must begin with http://');
  }
  // A door that runs apart takes votes and tells the time; what a poll is it does not say.
  const told = flags.adminUrl === null ? api : new OperatorApi(flags.adminUrl, token);
  const poll = await told.get(`/v1/polls/${encodeURIComponent(flags.poll)}`);
  const options = (Array.isArray(poll.options) ? poll.options : []).map(({ id }) => String(id));
  if (poll.state !== 'open') {
    io.stderr(`The poll ${flags.poll} is ${String(poll.state)}: expect its votes to be refused.\n`);
  }
  const adminUrl = flags.adminUrl ?? flags.url ?? localUrl(io.env, 'operators');
  const books = flags.check ? new ServerBooks(new OperatorApi(adminUrl, token), flags.poll) : null;
  return {
    api,
    books,
    before: (await books?.results()) ?? {},
    options,
    serverOffsetMs: await serverOffset(api, monotonic),
    seed: flags.seed ?? randomWord(),
  };
}

async function sendVotes(flags: LoadFlags, prepared: Preparation, io: CliIo): Promise<Outcome> {
  const { api, options, serverOffsetMs, seed } = prepared;
  const settings = { ratePerSecond: flags.rate, durationMs: flags.duration };
  const { total } = new LoadSchedule({ startAt: 0, ...settings });
  const ids = new VoteIds(flags.poll, { x: randomWord(), z: randomWord() });
  const journal = new VoteJournal(total, Math.floor(monotonic() + serverOffsetMs));
  const record = new RunRecord();
  const generator = new LoadGenerator(
    {
      hostname: api.url.hostname.replace(/^\[|\]$/g, ''),
      port: Number(api.url.port || 80),
      connections: flags.connections,
      pipeline: flags.pipeline,
      timeoutMs: flags.timeout,
      retryForMs: flags.retry ? flags.retryFor : 0,
      serverOffsetMs,
      spin: flags.spin,
      monotonic,
      random: Math.random,
    },
    {
      journal,
      record,
      ids,
      requests: new VoteRequests({ host: api.url.host, poll: flags.poll, options }, ids),
      picker: new OptionPicker(options.length, flags.skew, seed),
    },
  );
  try {
    const up = await generator.connect(CONNECT_WITHIN_MS);
    if (up < flags.connections) {
      io.stderr(`Only ${up} of ${flags.connections} connections could be opened.\n`);
    }
    const startAt = monotonic() + SCHEDULE_LEAD_MS;
    using _bar = new ProgressBar(io, () => progressOf(flags, record, total, startAt));
    const cpuBefore = process.cpuUsage();
    await generator.run(
      new LoadSchedule({ startAt, ...settings }),
      io.signal ?? new AbortController().signal,
    );
    const cpu = process.cpuUsage(cpuBefore);
    const cpuPercent = (cpu.user + cpu.system) / 10 / Math.max(1, monotonic() - startAt);
    return { journal, record, ids, cpuPercent };
  } finally {
    generator.close();
  }
}

function progressOf(flags: LoadFlags, record: RunRecord, total: number, startAt: number) {
  const elapsedMs = Math.max(0, monotonic() - startAt);
  const seconds = record.acceptedPerSecond;
  const rate = seconds.at(seconds.length > 1 ? -2 : -1) ?? 0;
  const drained = elapsedMs > flags.duration ? ' waiting for the last answers' : '';
  return {
    share: (record.accepted + record.rejected) / total,
    words:
      `${formatSpan(elapsedMs)}  ${rate.toLocaleString('en-US')}/s  ` +
      `rejected ${record.rejected}  unknown ${record.unknown}  ` +
      `p99 ${formatLatency(record.latency.percentile(99))}${drained}`,
  };
}

async function drawSheet(
  flags: LoadFlags,
  { books, before, options }: Preparation,
  { journal, record, ids }: Outcome,
  io: CliIo,
): Promise<BalanceSheet | null> {
  if (books === null) return null;
  const check = new BalanceCheck(journal, ids, options);
  let rows = 0;
  using _bar = new ProgressBar(io, () => ({
    share: rows / Math.max(1, record.accepted),
    words: rows === 0 ? 'waiting for the server to count' : `${rows} ids compared`,
  }));
  await books.counted(flags.settle);
  const start = await books.position();
  await books.readVotes((vote) => {
    rows += 1;
    check.add(vote);
  });
  const look = async (): Promise<ResultsSeen> => {
    const after = await books.results();
    const { logEnd, drained, inconsistency } = await books.position();
    // Else others voted meanwhile: what was logged but not yet counted at the start is in no export.
    const atRest = start.drained && drained && isSame(start.logEnd, logEnd);
    return { before, after, atRest, inconsistency };
  };
  // Results are shown from the tally a few times a second, so they may follow by a moment.
  const deadline = monotonic() + Math.min(RESULTS_WITHIN_MS, flags.settle);
  let results = await look();
  while (!check.agreesWith(results) && monotonic() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    results = await look();
  }
  return check.conclude(record, results);
}

function isSame(a: ReadonlyMap<string, number>, b: ReadonlyMap<string, number>): boolean {
  return a.size === b.size && Array.from(a).every(([place, end]) => b.get(place) === end);
}

function randomWord(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

function monotonic(): number {
  return performance.now();
}
