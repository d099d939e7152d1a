/** `apura export`: a poll's votes, results, hours or report into a file, as they stream from the server. */
import { existsSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { ApuraError } from '../../domain/errors.ts';
import { TOKEN_FLAGS } from './admin-token.ts';
import type { CliIo, ExitCode } from './cli-io.ts';
import { choiceFlag, optionalTextFlag, switchFlag, textFlag } from './flag.ts';
import { operatorApi, URL_FLAG } from './operator-api.ts';
import { runCommand } from './run-command.ts';

const NEWLINE = 10;

const COMMAND = {
  name: 'apura export',
  summary: 'Writes votes, results, hours or the report of a poll, while it is open and after.',
  flags: {
    poll: textFlag('the poll', 'POLL', 'demo'),
    what: choiceFlag('what to write', ['votes', 'results', 'hourly', 'report']),
    format: choiceFlag('how', ['csv', 'ndjson', 'json', 'html']),
    out: optionalTextFlag('the file to write (default: standard output)', 'FILE'),
    force: switchFlag('write over a file that is there', false),
    url: URL_FLAG,
    ...TOKEN_FLAGS,
  },
  notes:
    'The report is written as CSV, JSON or HTML; all else as CSV or NDJSON.\n' +
    'The file gets its name only when it is whole: an export that breaks off leaves FILE.partial.',
};

/** Runs the command; resolves to its exit code. */
export function runExport(argv: readonly string[], io: CliIo): Promise<ExitCode> {
  return runCommand(COMMAND, argv, io, async (flags) => {
    const { poll, what, format, out } = flags;
    const path = pathOf(poll, what, format);
    const api = await operatorApi(flags, io);
    if (out === null) {
      await writeToStdout(await api.stream(path), io);
      return 0;
    }
    await using target = await PartialFile.create(out, flags.force);
    const written = await writeToFile(await api.stream(path), target, io);
    await target.complete();
    const rows = format === 'csv' || format === 'ndjson' ? `${lines(written, format)}, ` : '';
    io.stderr(`${out}: ${rows}${size(written.bytes)}\n`);
    return 0;
  });
}

type What = 'votes' | 'results' | 'hourly' | 'report';
type Format = 'csv' | 'ndjson' | 'json' | 'html';

/** @throws ApuraError `usage`: what is asked for is not written so. */
function pathOf(poll: string, what: What, format: Format): string {
  const isReport = what === 'report';
  const hasForm = isReport ? format !== 'ndjson' : format === 'csv' || format === 'ndjson';
  if (!hasForm) throw new ApuraError('usage', `--what ${what} can not be written as ${format}`);
  const path = `/v1/polls/${encodeURIComponent(poll)}`;
  if (isReport) return `${path}/report?format=${format}`;
  return `${path}/export?${new URLSearchParams({ format, what })}`;
}

interface Written {
  readonly bytes: number;
  readonly newlines: number;
}

async function writeToStdout(stream: ReadableStream<Uint8Array>, io: CliIo): Promise<void> {
  const decoder = new TextDecoder();
  for await (const chunk of whole(stream)) await io.stdout(decoder.decode(chunk, { stream: true }));
}

async function writeToFile(
  stream: ReadableStream<Uint8Array>,
  target: PartialFile,
  io: CliIo,
): Promise<Written> {
  let bytes = 0;
  let newlines = 0;
  const report = () =>
    io.stderr(`\r${size(bytes)}, ${newlines.toLocaleString('en-US')} lines\x1b[K`);
  const timer = io.isTTY ? setInterval(report, 200) : null;
  try {
    for await (const chunk of whole(stream)) {
      await target.write(chunk);
      bytes += chunk.length;
      newlines += countNewlines(chunk);
    }
  } finally {
    if (timer !== null) {
      clearInterval(timer);
      io.stderr('\r\x1b[K');
    }
  }
  return { bytes, newlines };
}

/** The stream's chunks; a stream that breaks off is an error in words. */
async function* whole(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* stream;
  } catch (cause) {
    const words = 'The server broke off before the export was whole.';
    throw new ApuraError('server_unreachable', words, { cause });
  }
}

/** A file under `<name>.partial` until it is whole, so that half an export is never taken for one. */
class PartialFile implements AsyncDisposable {
  readonly #name: string;
  readonly #file: Awaited<ReturnType<typeof open>>;
  #isEmpty = true;

  private constructor(name: string, file: Awaited<ReturnType<typeof open>>) {
    this.#name = name;
    this.#file = file;
  }

  /** @throws ApuraError `usage`: the file is there already, or can't be written. */
  static async create(name: string, force: boolean): Promise<PartialFile> {
    if (!force && existsSync(name)) {
      throw new ApuraError('usage', `${name} is there already; --force writes over it`);
    }
    try {
      return new PartialFile(name, await open(`${name}.partial`, 'w'));
    } catch (cause) {
      throw new ApuraError('usage', `${name} can not be written: ${cause}`, { cause });
    }
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#file.writeFile(chunk);
    this.#isEmpty = false;
  }

  /** Makes the bytes durable and gives the file its name. */
  async complete(): Promise<void> {
    await this.#file.sync();
    await rename(`${this.#name}.partial`, this.#name);
    this.#isEmpty = false;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#file.close();
    if (this.#isEmpty) await rm(`${this.#name}.partial`);
  }
}

function countNewlines(chunk: Uint8Array): number {
  let newlines = 0;
  for (let at = chunk.indexOf(NEWLINE); at >= 0; at = chunk.indexOf(NEWLINE, at + 1)) newlines += 1;
  return newlines;
}

function lines({ newlines }: Written, format: 'csv' | 'ndjson'): string {
  // A CSV begins with the names of its columns.
  const rows = format === 'csv' ? Math.max(0, newlines - 1) : newlines;
  return `${rows.toLocaleString('en-US')} ${rows === 1 ? 'row' : 'rows'}`;
}

function size(bytes: number): string {
  if (bytes < 1_000) return `${bytes} B`;
  if (bytes < 1_000_000) return `${(bytes / 1_000).toFixed(1)} kB`;
  return `${(bytes / 1_000_000).toFixed(1)} MB`;
}
