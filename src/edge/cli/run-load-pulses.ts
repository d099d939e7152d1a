/** `apura load pulses`: pulses on schedule, whatever the server does, and a balance sheet of their usage. */
import { ApuraError } from '../../domain/errors.ts';
import { USAGE_WINDOW_MS, usageWindowOf } from '../../domain/metering/usage.ts';
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
} from './flag.ts';
import { DeliveryJournal } from './load/delivery-journal.ts';
import { LoadSchedule } from './load/load-schedule.ts';
import { RunRecord } from './load/run-record.ts';
import { isAway } from './load/server-books.ts';
import { serverOffset } from './load/server-clock.ts';
import { PulseCalls } from './load-pulses/pulse-calls.ts';
import { PulseGenerator } from './load-pulses/pulse-generator.ts';
import { PulsePlan, tenantNames } from './load-pulses/pulse-plan.ts';
import { type PulseRun, pulseReportJson, pulseReportText } from './load-pulses/pulse-report.ts';
import { PulseRequests } from './load-pulses/pulse-requests.ts';
import {
  acceptedUsage,
  addUsage,
  drawPulseBalance,
  isEven,
  type PulseBalance,
  type SeriesGrowth,
  unknownPulses,
  usageOf,
} from './load-pulses/usage-balance.ts';
import {
  NO_USAGE,
  type Usage,
  UsageBooks,
  type UsageSeen,
  type UsageSpan,
} from './load-pulses/usage-books.ts';
import { localUrl, OperatorApi } from './operator-api.ts';
import { ProgressBar } from './progress-bar.ts';
import { reportErrors, runCommand } from './run-command.ts';

/** The journal keeps 3 bytes a pulse. */
const PULSES_MAX = 100_000_000;
const SERIES_MAX = 10_000;
const PREFIX_LENGTH_MAX = 40;
const SCHEDULE_LEAD_MS = 20;
/** Unknown pulses of which the ledger is asked one by one. */
const UNKNOWN_ASKED_MAX = 10_000;
const ASK_AGAIN_FIRST_MS = 50;
const ASK_AGAIN_MAX_MS = 1_000;

const COMMAND = {
  name: 'apura load pulses',
  summary:
    'Sends pulses on schedule and checks, to the last decimal, that usage is what was taken.',
  flags: {
    url: optionalTextFlag(
      'where pulses go (default: this machine, at $APURA_HTTP_PORT or 8080)',
      'URL',
    ),
    adminUrl: optionalTextFlag(
      'where usage is asked for (default: $APURA_ADMIN_PORT here, or --url)',
      'URL',
    ),
    apiKey: optionalTextFlag(
      'send, and ask for usage, with a tenant’s API key: one tenant, its own',
      'KEY',
    ),
    rate: integerFlag('pulses a second, sent on schedule whatever the answers do', 20_000, {
      min: 1,
      max: 10_000_000,
    }),
    duration: durationFlag('for how long pulses fall due', '30s', { min: 1, max: 86_400_000 }),
    batch: integerFlag('pulses in a request', 500, { min: 1, max: 1_000 }),
    connections: integerFlag('requests under way at once', 16, { min: 1, max: 256 }),
    tenants: integerFlag('how many tenants have consumed', 10, { min: 1, max: 1_000 }),
    skus: integerFlag('how many products each of them uses', 5, { min: 1, max: 1_000 }),
    prefix: optionalTextFlag(
      'what names of tenants and products begin with (default: load- and what is drawn)',
      'NAME',
    ),
    duplicates: numberFlag('share of pulses that are sent again once acknowledged', 0.01, {
      min: 0,
      max: 1,
    }),
    retry: switchFlag('batches without a certain answer stay unknown at once', true),
    retryFor: durationFlag('how long a batch is sent again, always with the same ids', '5m', {
      min: 1,
      max: 3_600_000,
    }),
    timeout: durationFlag('an answer that takes longer counts as lost', '10s', {
      min: 10,
      max: 120_000,
    }),
    seed: optionalIntegerFlag('draws series and amounts (default: drawn and printed)', {
      min: 0,
      max: 0xffff_ffff,
    }),
    check: switchFlag("skip the balance sheet with the server's usage", true),
    settle: durationFlag('how long usage may take to catch up', '60s', {
      min: 100,
      max: 3_600_000,
    }),
    json: switchFlag('print one JSON object instead of text', false),
    ...TOKEN_FLAGS,
  },
  notes:
    'Latency counts from the instant at which a batch was due, so that a server that stalls can not\n' +
    'hide it by making the generator wait. Usage of the run’s time before the run is taken off, so\n' +
    'a --prefix may be used again, but not by two runs at once. Exits with 1 when the balance sheet\n' +
    'is not exact.',
} satisfies Command<Flags>;

type PulseFlags = FlagValues<(typeof COMMAND)['flags']>;

/** Runs the command; resolves to its exit code. */
export function runLoadPulses(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(COMMAND, argv, io, (flags) => load(flags, io));
}

/** Everything that is known before the first pulse leaves. */
interface Preparation {
  readonly url: URL;
  readonly token: string;
  readonly books: UsageBooks | null;
  readonly before: UsageSeen | null;
  readonly span: UsageSpan;
  readonly plan: PulsePlan;
  readonly schedule: LoadSchedule;
  readonly serverOffsetMs: number;
  readonly seed: number;
  readonly prefix: string;
}

interface Outcome {
  readonly journal: DeliveryJournal;
  readonly record: RunRecord;
  readonly generator: PulseGenerator;
  readonly cpuPercent: number;
}

async function load(flags: PulseFlags, io: CliIo): Promise<ExitCode> {
  const prepared = await prepare(flags, io);
  const outcome = await sendPulses(flags, prepared, io);
  let balance: PulseBalance | null = null;
  const exitCode = await reportErrors(io, async () => {
    balance = await drawBalance(flags, prepared, outcome, io);
    return 0;
  });
  const run: PulseRun = {
    url: prepared.url.origin,
    prefix: prepared.prefix,
    ratePerSecond: flags.rate,
    durationMs: flags.duration,
    batch: flags.batch,
    connections: flags.connections,
    retryForMs: flags.retry ? flags.retryFor : 0,
    seed: prepared.seed,
    record: outcome.record,
    totals: outcome.journal.totals(),
    duplicates: outcome.generator.duplicates,
    balance,
    cpuPercent: outcome.cpuPercent,
  };
  await io.stdout(flags.json ? `${JSON.stringify(pulseReportJson(run))}\n` : pulseReportText(run));
  return run.balance?.exact === false ? 1 : exitCode;
}

async function prepare(flags: PulseFlags, io: CliIo): Promise<Preparation> {
  const isKey = flags.apiKey !== null;
  const tenants = isKey ? 1 : flags.tenants;
  refuseTooMuch(flags, tenants);
  const token = flags.apiKey ?? (await findToken(flags, io.env));
  if (token === null) throw noToken();
  // Not io.signal: a run that is stopped still draws its balance sheet.
  const api = new OperatorApi(flags.url ?? localUrl(io.env, 'public'), token);
  const adminUrl = flags.adminUrl ?? flags.url ?? localUrl(io.env, 'operators');
  const serverOffsetMs = await serverOffset(api, monotonic);
  const seed = flags.seed ?? randomWord();
  const prefix = flags.prefix ?? `load-${randomWord().toString(16).padStart(8, '0')}`;
  const books = flags.check
    ? new UsageBooks(new OperatorApi(adminUrl, token), isKey ? null : tenantNames(prefix, tenants))
    : null;
  const now = monotonic() + serverOffsetMs;
  const span = {
    from: usageWindowOf(now),
    // A window more than needed, for the time that it takes to read what is there.
    to: usageWindowOf(now + flags.duration) + 2 * USAGE_WINDOW_MS,
  };
  const before = (await books?.read(span)) ?? null;
  const schedule = new LoadSchedule({
    startAt: monotonic() + SCHEDULE_LEAD_MS,
    ratePerSecond: flags.rate,
    durationMs: flags.duration,
  });
  const plan = new PulsePlan({
    ...{ prefix, tenants, skus: flags.skus, duplicates: flags.duplicates, seed },
    tag: { x: randomWord(), z: randomWord() & 0x3ff },
    occurredAt: (pulse) => schedule.dueAt(pulse) + serverOffsetMs,
  });
  return {
    ...{ url: api.url, token, books, before, span, plan, schedule },
    ...{ serverOffsetMs, seed, prefix },
  };
}

function refuseTooMuch(flags: PulseFlags, tenants: number): void {
  if ((flags.rate * flags.duration) / 1_000 > PULSES_MAX) {
    const words = `--rate times --duration is over ${PULSES_MAX} pulses, more than a run keeps.`;
    throw new ApuraError('usage', words);
  }
  if (tenants * flags.skus > SERIES_MAX) {
    throw new ApuraError('usage', `--tenants times --skus is over ${SERIES_MAX} series.`);
  }
  if (flags.prefix !== null && !/^[\w.-]+$/.test(flags.prefix)) {
    throw new ApuraError('usage', '--prefix holds letters, digits, and . _ - alone.');
  }
  if (flags.prefix !== null && flags.prefix.length > PREFIX_LENGTH_MAX) {
    throw new ApuraError('usage', `--prefix is longer than ${PREFIX_LENGTH_MAX} letters.`);
  }
}

function noToken(): ApuraError {
  return new ApuraError(
    'unauthorized',
    'Pulses are taken from those who may send them.\n' +
      '  Give the operators’ token: --token, --token-file, $APURA_ADMIN_TOKEN, or run the\n' +
      '  command where the server’s data folder is. Or a tenant’s API key: --api-key.',
  );
}

async function sendPulses(flags: PulseFlags, prepared: Preparation, io: CliIo): Promise<Outcome> {
  const { url, token, plan, schedule } = prepared;
  const journal = new DeliveryJournal(schedule.total);
  const record = new RunRecord();
  const generator = new PulseGenerator(
    {
      batch: flags.batch,
      connections: flags.connections,
      retryForMs: flags.retry ? flags.retryFor : 0,
      timeoutMs: flags.timeout,
      monotonic,
      random: Math.random,
    },
    {
      journal,
      record,
      plan,
      requests: new PulseRequests(plan, flags.apiKey === null),
      calls: new PulseCalls({ url, token, timeoutMs: flags.timeout }),
    },
    schedule,
  );
  const startAt = monotonic();
  using _bar = new ProgressBar(io, () => progressOf(flags, record, schedule.total, startAt));
  const cpuBefore = process.cpuUsage();
  await generator.run(io.signal ?? new AbortController().signal);
  const cpu = process.cpuUsage(cpuBefore);
  const cpuPercent = (cpu.user + cpu.system) / 10 / Math.max(1, monotonic() - startAt);
  return { journal, record, generator, cpuPercent };
}

function progressOf(flags: PulseFlags, record: RunRecord, total: number, startAt: number) {
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

/**
 * Waits until usage holds all that was sent, and compares.
 *
 * @throws ApuraError `not_balanced`: it has not caught up within `--settle`.
 */
async function drawBalance(
  flags: PulseFlags,
  prepared: Preparation,
  { journal, record, generator }: Outcome,
  io: CliIo,
): Promise<PulseBalance | null> {
  const { books, plan, serverOffsetMs } = prepared;
  if (books === null) return null;
  const question: Question = {
    books,
    accepted: acceptedUsage(journal, plan),
    unknown: unknownPulses(journal, UNKNOWN_ASKED_MAX),
    sentUntil: generator.lastSentAt + serverOffsetMs,
  };
  const deadline = monotonic() + flags.settle;
  using _bar = new ProgressBar(io, () => ({ share: 1, words: 'waiting for usage to catch up' }));
  let pauseMs = ASK_AGAIN_FIRST_MS;
  for (;;) {
    const found = await compare(question, prepared);
    const isLate = monotonic() > deadline;
    if (found !== null && (isLate || found.growth.every(isEven))) {
      const notes = { ...pickNotes(record), duplicates: generator.duplicates };
      const asked = question.unknown.length;
      const unknown = { asked, counted: found.countedUnknown };
      return drawPulseBalance(journal.totals(), notes, found.growth, unknown);
    }
    if (isLate) {
      const seconds = Math.round(flags.settle / 1_000);
      const words = `Usage has not caught up with what was sent within ${seconds} s.`;
      throw new ApuraError('not_balanced', words);
    }
    await new Promise((resolve) => setTimeout(resolve, pauseMs));
    pauseMs = Math.min(ASK_AGAIN_MAX_MS, pauseMs * 2);
  }
}

/** What the books are held against. */
interface Question {
  readonly books: UsageBooks;
  readonly accepted: readonly Usage[];
  readonly unknown: readonly number[];
  /** Server time when the last request left, ms since the Unix epoch. */
  readonly sentUntil: number;
}

/** Null where usage has not caught up, or the server is away for a moment. */
async function compare(
  { books, accepted, unknown, sentUntil }: Question,
  { plan, span, before }: Preparation,
): Promise<{ readonly growth: readonly SeriesGrowth[]; readonly countedUnknown: number } | null> {
  try {
    const seen = await books.read(span);
    if (seen.asOf < sentUntil) return null;
    const counted = await countedOf(unknown, plan, books);
    const besides = usageOf(counted, plan);
    const expected = accepted.map((usage, at) => addUsage(usage, besides[at] ?? NO_USAGE));
    return { growth: growthOf(plan, books, expected, before, seen), countedUnknown: counted.size };
  } catch (error) {
    if (!isAway(error)) throw error;
    return null;
  }
}

function pickNotes({ sent, accepted, rejected, unknown }: RunRecord) {
  return { sent, accepted, rejected, unknown };
}

async function countedOf(
  unknown: readonly number[],
  plan: PulsePlan,
  books: UsageBooks,
): Promise<ReadonlySet<number>> {
  const counted = new Set<number>();
  for (const pulse of unknown) {
    const tenant = plan.series[plan.seriesOf(pulse)]?.tenant ?? '';
    if (await books.hasCounted(tenant, plan.idOf(pulse))) counted.add(pulse);
  }
  return counted;
}

function growthOf(
  plan: PulsePlan,
  books: UsageBooks,
  expected: readonly Usage[],
  before: UsageSeen | null,
  after: UsageSeen,
): readonly SeriesGrowth[] {
  return plan.series.map((series, number) => {
    const name = books.nameOf(series);
    const earlier = before?.series.get(name) ?? NO_USAGE;
    const later = after.series.get(name) ?? NO_USAGE;
    const usage = { sum: later.sum - earlier.sum, count: later.count - earlier.count };
    return { name, expected: expected[number] ?? NO_USAGE, usage };
  });
}

function randomWord(): number {
  return crypto.getRandomValues(new Uint32Array(1))[0] as number;
}

function monotonic(): number {
  return performance.now();
}
