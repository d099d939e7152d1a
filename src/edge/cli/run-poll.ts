/** `apura poll`: makes polls, lists them and drives them through their states, over HTTP. */
import { ApuraError } from '../../domain/errors.ts';
import { RESULTS_DETAILS, RESULTS_VISIBILITIES } from '../../domain/voting/poll.ts';
import { POLL_ACTS, type PollAct } from '../../domain/voting/poll-lifecycle.ts';
import { TOKEN_FLAGS } from './admin-token.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import {
  durationFlag,
  listFlag,
  optionalChoiceFlag,
  optionalIntegerFlag,
  optionalTextFlag,
  switchFlag,
} from './flag.ts';
import { listedPoll, pollTable } from './listed-poll.ts';
import { newPollBody } from './new-poll.ts';
import { type Json, type OperatorApi, operatorApi, URL_FLAG } from './operator-api.ts';
import { type CommandGroup, runCommand, runGroup, type Subcommand } from './run-command.ts';

const ASK_AGAIN_MS = 250;

const SERVER_FLAGS = {
  url: URL_FLAG,
  ...TOKEN_FLAGS,
  json: switchFlag('print the answer as JSON', false),
};

const ACT_SUMMARIES: Readonly<Record<PollAct, string>> = {
  open: 'Opens a poll for votes.',
  pause: 'Stops taking votes for now.',
  resume: 'Takes votes again.',
  close: 'Closes a poll for good; its result is final once it is closed.',
  publish: 'Publishes the result of a closed poll.',
  archive: 'Puts a published poll, or one that never opened, out of sight.',
};

const CREATE = {
  name: 'apura poll create',
  summary: 'Makes a poll, as a draft unless told to open it.',
  flags: {
    file: optionalTextFlag('a JSON file with the fields of the API; flags win over it', 'FILE'),
    id: optionalTextFlag('its id in addresses (default: made by the server)', 'ID'),
    title: optionalTextFlag('what is asked', 'TEXT'),
    option: listFlag('an option by its name, or as id=name', 'NAME'),
    opensAt: optionalTextFlag('when it opens by itself, RFC 3339', 'TIME'),
    closesAt: optionalTextFlag('when it closes by itself, RFC 3339', 'TIME'),
    timeZone: optionalTextFlag('whose clock its hours go by', 'ZONE'),
    visibility: optionalChoiceFlag('who sees results when', RESULTS_VISIBILITIES),
    detail: optionalChoiceFlag('how much of them', RESULTS_DETAILS),
    open: switchFlag('open it at once', false),
    ...SERVER_FLAGS,
  },
  notes:
    'Example: apura poll create --title "Quem deve sair?" --option ana="Ana" --option bia="Bia" --open',
};

const LIST = {
  name: 'apura poll list',
  summary: 'Lists polls.',
  flags: {
    state: optionalTextFlag('only these states, such as open,paused', 'STATES'),
    ...SERVER_FLAGS,
  },
};

function actCommand(act: PollAct) {
  return {
    name: `apura poll ${act}`,
    summary: ACT_SUMMARIES[act],
    positionals: [{ name: 'poll', help: 'the id of the poll' }],
    flags: {
      expectedVersion: optionalIntegerFlag('only if the poll is still at this version', {
        min: 1,
        max: Number.MAX_SAFE_INTEGER,
      }),
      ...SERVER_FLAGS,
    },
  };
}

const CLOSE = {
  ...actCommand('close'),
  flags: {
    ...actCommand('close').flags,
    wait: switchFlag('wait until every vote is counted and the result is final', false),
    within: durationFlag('for how long to wait', '60s', { min: 1, max: 3_600_000 }),
  },
};

const GROUP: CommandGroup = {
  name: 'apura poll',
  summary: 'Makes polls and drives them.',
  commands: {
    create: { summary: CREATE.summary, run: runCreate },
    list: { summary: LIST.summary, run: runList },
    ...Object.fromEntries(POLL_ACTS.map((act) => [act, actSubcommand(act)])),
    close: { summary: CLOSE.summary, run: runClose },
  },
};

/** Runs the command; resolves to its exit code. */
export function runPoll(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runGroup(GROUP, argv, io);
}

function runCreate(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(CREATE, argv, io, async (flags) => {
    const body = await newPollBody(flags);
    const api = await operatorApi(flags, io);
    const created = await api.post('/v1/polls', body);
    const poll = flags.open ? await change(api, listedPoll(created).id, 'open', null) : created;
    return showPoll(poll, flags.json, io);
  });
}

function runList(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(LIST, argv, io, async (flags) => {
    const items = await allPolls(await operatorApi(flags, io), flags.state);
    if (flags.json) await io.stdout(`${JSON.stringify({ items })}\n`);
    else if (items.length === 0) await io.stdout('There are no polls.\n');
    else await io.stdout(pollTable(items.map(listedPoll)));
    return 0;
  });
}

function actSubcommand(act: PollAct): Subcommand {
  const command = actCommand(act);
  return {
    summary: command.summary,
    run: (argv, io) =>
      runCommand(command, argv, io, async (flags, [poll = '']) => {
        const api = await operatorApi(flags, io);
        return showPoll(await change(api, poll, act, flags.expectedVersion), flags.json, io);
      }),
  };
}

function runClose(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(CLOSE, argv, io, async (flags, [poll = '']) => {
    const api = await operatorApi(flags, io);
    const closing = await change(api, poll, 'close', flags.expectedVersion);
    if (flags.wait) return showPoll(await closed(api, poll, flags.within), flags.json, io);
    await showPoll(closing, flags.json, io);
    if (!flags.json && listedPoll(closing).state === 'closing') {
      io.stderr('Votes on their way are still being counted; --wait waits for the final result.\n');
    }
    return 0;
  });
}

function change(
  api: OperatorApi,
  poll: string,
  act: PollAct,
  expectedVersion: number | null,
): Promise<Json> {
  const body = expectedVersion === null ? {} : { expectedVersion };
  return api.post(`/v1/polls/${encodeURIComponent(poll)}/${act}`, body);
}

async function closed(api: OperatorApi, id: string, withinMs: number): Promise<Json> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const poll = await api.get(`/v1/polls/${encodeURIComponent(id)}`);
    if (listedPoll(poll).state !== 'closing') return poll;
    if (performance.now() > deadline) {
      const words = `The poll ${id} is still closing after ${withinMs / 1_000} s.`;
      throw new ApuraError('not_ready', words);
    }
    await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
  }
}

/** Every poll, page by page. */
async function allPolls(api: OperatorApi, states: string | null): Promise<readonly Json[]> {
  const items: Json[] = [];
  let cursor: string | null = null;
  do {
    const query = new URLSearchParams({ limit: '200' });
    if (states !== null) query.set('state', states);
    if (cursor !== null) query.set('cursor', cursor);
    const page: Json = await api.get(`/v1/polls?${query}`);
    items.push(...((page.items ?? []) as Json[]));
    cursor = typeof page.nextCursor === 'string' ? page.nextCursor : null;
  } while (cursor !== null);
  return items;
}

async function showPoll(json: Json, asJson: boolean, io: CliIo): Promise<ExitCode> {
  await io.stdout(asJson ? `${JSON.stringify(json)}\n` : pollTable([listedPoll(json)]));
  return 0;
}
