/** `apura dead-letters`: lists what could not be processed, sends it again or gives it up, over HTTP. */
import { ApuraError } from '../../domain/errors.ts';
import { DEAD_LETTER_QUEUES, DEAD_LETTER_STATES } from '../../domain/metering/dead-letter.ts';
import { TOKEN_FLAGS } from './admin-token.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { integerFlag, optionalChoiceFlag, optionalTextFlag, switchFlag } from './flag.ts';
import { letterTable, letterText } from './listed-letter.ts';
import { type Json, type OperatorApi, operatorApi, URL_FLAG } from './operator-api.ts';
import { type CommandGroup, runCommand, runGroup, type Subcommand } from './run-command.ts';
import { textTable } from './text-table.ts';

const PAGE_LETTERS_MAX = 1_000;
const LISTED_DEFAULT = 100;
const LISTED_MAX = 100_000;
/** What the API takes by id in one request. */
const IDS_PER_REQUEST_MAX = 100;
const BATCHES_MAX = 1_000;
/** Each letter of a batch is written to the log and to the store, one after another. */
const BATCH_TIMEOUT_MS = 120_000;

const SERVER_FLAGS = {
  url: URL_FLAG,
  ...TOKEN_FLAGS,
  json: switchFlag('print the answer as JSON', false),
};

const FILTER_FLAGS = {
  queue: optionalChoiceFlag('only of this queue', DEAD_LETTER_QUEUES),
  tenant: optionalTextFlag('only of this tenant', 'TENANT'),
  code: optionalTextFlag('only what failed with this code', 'CODE'),
};

const LIST = {
  name: 'apura dead-letters list',
  summary: 'Lists dead letters, newest failure first.',
  flags: {
    state: optionalChoiceFlag('only in this state', DEAD_LETTER_STATES),
    ...FILTER_FLAGS,
    limit: integerFlag('how many at most', LISTED_DEFAULT, { min: 1, max: LISTED_MAX }),
    ...SERVER_FLAGS,
  },
};

const GET = {
  name: 'apura dead-letters get',
  summary: 'Shows a dead letter with its bytes.',
  positionals: [{ name: 'letter', help: 'its id, 64 hex digits' }],
  flags: SERVER_FLAGS,
};

type Verb = 'requeue' | 'discard';

const VERB_SUMMARIES: Readonly<Record<Verb, string>> = {
  requeue: 'Sends the bytes of PENDING letters again into the log that they came from.',
  discard: 'Gives PENDING letters up; their bytes stay.',
};

function verbCommand(verb: Verb) {
  return {
    name: `apura dead-letters ${verb}`,
    summary: VERB_SUMMARIES[verb],
    further: { name: 'letter', help: 'ids; or say which by --queue, --tenant, --code or --all' },
    flags: {
      ...FILTER_FLAGS,
      all: switchFlag('all that are PENDING', false),
      batches: integerFlag('without ids: how many batches of up to 500 letters at most', 1, {
        min: 1,
        max: BATCHES_MAX,
      }),
      ...SERVER_FLAGS,
    },
    notes: 'Ends with 1 where a letter that was named is not there, or is not PENDING.',
  };
}

const GROUP: CommandGroup = {
  name: 'apura dead-letters',
  summary: 'Shows what of pulses and usage could not be processed, and decides about it.',
  commands: {
    list: { summary: LIST.summary, run: runList },
    get: { summary: GET.summary, run: runGet },
    requeue: verbSubcommand('requeue'),
    discard: verbSubcommand('discard'),
  },
};

/** Runs the command; resolves to its exit code. */
export function runDeadLetters(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runGroup(GROUP, argv, io);
}

function runList(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(LIST, argv, io, async (flags) => {
    const { state, limit } = flags;
    const query = { ...(state === null ? {} : { state }), ...filterOf(flags) };
    const { items, hasMore } = await listed(await operatorApi(flags, io), query, limit);
    if (flags.json) await io.stdout(`${JSON.stringify({ items })}\n`);
    else if (items.length === 0) await io.stdout('There are no such dead letters.\n');
    else await io.stdout(letterTable(items));
    if (hasMore) io.stderr(`There are more than ${limit}: --limit shows them.\n`);
    return 0;
  });
}

function runGet(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(GET, argv, io, async (flags, [id = '']) => {
    const api = await operatorApi(flags, io);
    const letter = await api.get(`/v1/dead-letters/${encodeURIComponent(id)}`);
    await io.stdout(flags.json ? `${JSON.stringify(letter)}\n` : letterText(letter));
    return 0;
  });
}

function verbSubcommand(verb: Verb): Subcommand {
  const command = verbCommand(verb);
  return {
    summary: command.summary,
    run: (argv, io) =>
      runCommand(command, argv, io, async (flags, ids) => {
        const filter = filterOf(flags);
        const ways = [ids.length > 0, Object.keys(filter).length > 0, flags.all];
        if (ways.filter(Boolean).length !== 1) {
          const words = `say which: ids, or a filter (--queue, --tenant, --code), or --all`;
          throw new ApuraError('usage', words);
        }
        const api = await operatorApi(flags, io);
        if (ids.length > 0) return decideById(api, verb, ids, flags.json, io);
        return decideByFilter(api, verb, { filter, batches: flags.batches }, flags.json, io);
      }),
  };
}

async function decideById(
  api: OperatorApi,
  verb: Verb,
  ids: readonly string[],
  asJson: boolean,
  io: CliIo,
): Promise<ExitCode> {
  const results: Json[] = [];
  for (let at = 0; at < ids.length; at += IDS_PER_REQUEST_MAX) {
    const body = { ids: ids.slice(at, at + IDS_PER_REQUEST_MAX) };
    const answer = await api.post(`/v1/dead-letters/${verb}`, body, BATCH_TIMEOUT_MS);
    results.push(...((answer.results ?? []) as Json[]));
  }
  const rows = results.map(({ id, result, state }) => [
    String(id),
    String(result),
    String(state ?? '-'),
  ]);
  const table = textTable(['ID', 'RESULT', 'STATE'], rows);
  await io.stdout(asJson ? `${JSON.stringify({ results })}\n` : table);
  return results.every(({ result }) => result === 'resolved') ? 0 : 1;
}

/** Batch after batch, as many as were asked for: letters that fail again at once would have no end. */
async function decideByFilter(
  api: OperatorApi,
  verb: Verb,
  { filter, batches }: { readonly filter: Json; readonly batches: number },
  asJson: boolean,
  io: CliIo,
): Promise<ExitCode> {
  let resolved = 0;
  const failed: Json[] = [];
  let cursor: string | null = null;
  let hasMore = true;
  for (let batch = 0; hasMore && batch < batches; batch += 1) {
    const body = cursor === null ? { filter } : { filter, cursor };
    const answer = await api.post(`/v1/dead-letters/${verb}`, body, BATCH_TIMEOUT_MS);
    resolved += Number(answer.resolved);
    failed.push(...((answer.failed ?? []) as Json[]));
    cursor = typeof answer.nextCursor === 'string' ? answer.nextCursor : null;
    hasMore = cursor !== null;
  }
  const done = verb === 'requeue' ? 'sent again' : 'given up';
  const letters = resolved === 1 ? 'letter' : 'letters';
  if (asJson) await io.stdout(`${JSON.stringify({ resolved, failed, hasMore })}\n`);
  else {
    await io.stdout(`${resolved} ${letters} ${done}.\n`);
    const rows = failed.map(({ id, code, detail }) => [id, code, detail].map(String));
    if (rows.length > 0) await io.stdout(textTable(['ID', 'CODE', 'WHY NOT'], rows));
  }
  if (hasMore) io.stderr('More match: run it again, or with more --batches.\n');
  return failed.length === 0 ? 0 : 1;
}

/** Those that were given, by their names in the API. */
function filterOf(given: {
  readonly queue: string | null;
  readonly tenant: string | null;
  readonly code: string | null;
}): Readonly<Record<string, string>> {
  const { queue, tenant, code } = given;
  const pairs = Object.entries({ queue, tenant, code });
  return Object.fromEntries(
    pairs.flatMap(([name, value]) => (value === null ? [] : [[name, value]])),
  );
}

/** The first `limit` of them, page by page. */
async function listed(
  api: OperatorApi,
  query: Readonly<Record<string, string>>,
  limit: number,
): Promise<{ readonly items: readonly Json[]; readonly hasMore: boolean }> {
  const items: Json[] = [];
  let cursor: string | null = null;
  do {
    const asked = new URLSearchParams({
      ...query,
      limit: String(Math.min(limit - items.length, PAGE_LETTERS_MAX)),
      ...(cursor === null ? {} : { cursor }),
    });
    const page: Json = await api.get(`/v1/dead-letters?${asked}`);
    items.push(...((page.items ?? []) as Json[]));
    cursor = typeof page.nextCursor === 'string' ? page.nextCursor : null;
  } while (cursor !== null && items.length < limit);
  return { items, hasMore: cursor !== null };
}
