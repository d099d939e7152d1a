/** `apura top`: the count as it moves, in the terminal. */
import { ApuraError } from '../../domain/errors.ts';
import { TOKEN_FLAGS } from './admin-token.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { optionalTextFlag, switchFlag } from './flag.ts';
import { type OperatorApi, operatorApi, URL_FLAG } from './operator-api.ts';
import { runCommand } from './run-command.ts';
import { ConsoleLink } from './top/console-link.ts';
import { topFrame } from './top/top-frame.ts';
import { TopModel } from './top/top-model.ts';

const REDRAW_MS = 250;
const FIRST_FRAME_WITHIN_MS = 5_000;
const LOOK_AGAIN_MS = 20;
const ROWS = 24;
/** Another screen than the shell's, without a cursor and without wrapping what is too wide; and back. */
const ENTER_SCREEN = '\x1b[?1049h\x1b[?25l\x1b[?7l';
const LEAVE_SCREEN = '\x1b[?7h\x1b[?25h\x1b[?1049l';

const COMMAND = {
  name: 'apura top',
  summary: 'Shows votes, rates, lag and consistency live in the terminal; Ctrl-C ends it.',
  flags: {
    poll: optionalTextFlag('the poll to watch (default: the one that is open)', 'POLL'),
    once: switchFlag('print one picture as text and end', false),
    url: URL_FLAG,
    ...TOKEN_FLAGS,
  },
};

/** Runs the command; resolves to its exit code. */
export function runTop(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(COMMAND, argv, io, async (flags) => {
    if (!flags.once && !io.isTTY) {
      throw new ApuraError('usage', 'apura top draws on a terminal; --once prints one picture');
    }
    const api = await operatorApi(flags, io);
    // A WebSocket that is refused does not say why; an ordinary request does.
    await api.get('/v1/consistency');
    return flags.once ? printOnce(api, flags.poll, io) : watch(api, flags.poll, io);
  });
}

async function printOnce(api: OperatorApi, poll: string | null, io: CliIo): Promise<ExitCode> {
  const model = new TopModel();
  using link = new ConsoleLink(api, (message) => model.take(message));
  const deadline = performance.now() + FIRST_FRAME_WITHIN_MS;
  while (!isWhole(model, poll)) {
    if (link.state === 'lost' || performance.now() > deadline) {
      throw new ApuraError(
        'server_unreachable',
        `The live feed at ${api.url.origin} says nothing.`,
      );
    }
    await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
  }
  await io.stdout(`${frame(model, poll, io, 'live').join('\n')}\n`);
  return 0;
}

/** Whether everything that a picture shows has come. */
function isWhole(model: TopModel, id: string | null): boolean {
  if (model.ops === null) return false;
  const poll = model.watched(id);
  const silent = poll === null || poll.state === 'draft' || poll.state === 'archived';
  return silent || model.counts.has(poll.id);
}

async function watch(api: OperatorApi, poll: string | null, io: CliIo): Promise<ExitCode> {
  const model = new TopModel();
  using link = new ConsoleLink(api, (message) => model.take(message));
  await io.stdout(ENTER_SCREEN);
  const draw = () => {
    const lines = frame(model, poll, io, link.state);
    io.stdout(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\r\n')}\x1b[J`);
  };
  const timer = setInterval(draw, REDRAW_MS);
  try {
    draw();
    await stopped(io.signal);
  } finally {
    clearInterval(timer);
    await io.stdout(LEAVE_SCREEN);
  }
  return 0;
}

function frame(
  model: TopModel,
  poll: string | null,
  io: CliIo,
  connection: 'live' | 'connecting' | 'lost',
): readonly string[] {
  const { columns, rows = ROWS, isTTY } = io;
  return topFrame(model, { poll, columns, rows, connection, colour: isTTY });
}

function stopped(signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    if (signal?.aborted === true) resolve();
    signal?.addEventListener('abort', () => resolve(), { once: true });
  });
}
