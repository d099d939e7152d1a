/** The server's side of a balance sheet, over its operators' routes: results, and every id it holds. */
import { ApuraError } from '../../../domain/errors.ts';
import type { Json, OperatorApi } from '../operator-api.ts';
import type { ExportedVote, OptionCounts } from './balance-sheet.ts';

/** How far log and stores are, a partition. */
export interface CountingPosition {
  /** One past the last block, by log and partition. */
  readonly logEnd: ReadonlyMap<string, number>;
  /** Whether every store has counted to `logEnd`. */
  readonly drained: boolean;
  /** How the server's own check says that its stores differ; null where it does not. */
  readonly inconsistency: string | null;
}

const ASK_AGAIN_MS = 100;

export class ServerBooks {
  readonly #api: OperatorApi;
  readonly #path: string;

  constructor(api: OperatorApi, poll: string) {
    this.#api = api;
    this.#path = `/v1/polls/${encodeURIComponent(poll)}`;
  }

  /**
   * Votes per option now.
   *
   * @throws ApuraError `unauthorized`: the token is not an operator's, so that counts are hidden.
   */
  async results(): Promise<OptionCounts> {
    const results = await this.#api.get(`${this.#path}/results`);
    if (results.visible === false) throw notAnOperator();
    const counts: Record<string, number> = {};
    for (const { id, votes } of listOf(results, 'options')) {
      if (typeof votes !== 'number') throw notAnOperator();
      counts[String(id)] = votes;
    }
    return counts;
  }

  async position(): Promise<CountingPosition> {
    const report = await this.#api.get('/v1/consistency');
    const logEnd = positionsIn(report, 'logEnd', 'end');
    const inconsistency = report.state === 'different' ? String(report.detail) : null;
    return {
      logEnd,
      drained: report.drained === true || hasCounted(report, logEnd),
      inconsistency,
    };
  }

  /**
   * Resolves once every store has counted what the log held when this was called, also while others
   * go on voting. Rides out a server that is away for a moment.
   *
   * @throws ApuraError `not_balanced`: it has not after `withinMs`.
   */
  async counted(withinMs: number): Promise<void> {
    const deadline = performance.now() + withinMs;
    let target: ReadonlyMap<string, number> | null = null;
    for (;;) {
      const report = await this.#reportOrNull();
      if (report !== null) {
        target ??= positionsIn(report, 'logEnd', 'end');
        if (hasCounted(report, target)) return;
      }
      if (performance.now() > deadline) {
        const seconds = Math.round(withinMs / 1_000);
        const words = `The server has not counted to the end of its log within ${seconds} s.`;
        throw new ApuraError('not_balanced', words);
      }
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN_MS));
    }
  }

  /** Hands over every vote that the server holds of the poll. */
  async readVotes(take: (vote: ExportedVote) => void): Promise<void> {
    const stream = await this.#api.stream(`${this.#path}/export?format=ndjson&what=votes`);
    const decoder = new TextDecoder();
    let rest = '';
    for await (const chunk of stream) {
      const text = rest + decoder.decode(chunk, { stream: true });
      let start = 0;
      for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', start)) {
        take(exportedVote(text.slice(start, end)));
        start = end + 1;
      }
      rest = text.slice(start);
    }
    if (rest !== '') throw new ApuraError('server_unreachable', 'The export ends within a line.');
  }

  async #reportOrNull(): Promise<Json | null> {
    try {
      return await this.#api.get('/v1/consistency');
    } catch (error) {
      if (!isAway(error)) throw error;
      return null;
    }
  }
}

const AWAY: ReadonlySet<string> = new Set(['server_unreachable', 'not_ready']);

/** Whether the server may answer when it is asked again in a moment. */
export function isAway(error: unknown): boolean {
  return error instanceof ApuraError && AWAY.has(error.code);
}

function notAnOperator(): ApuraError {
  return new ApuraError(
    'unauthorized',
    'The balance sheet compares votes with the server’s own books, which only operators see.\n' +
      '  Give the operators’ token: --token, --token-file, $APURA_ADMIN_TOKEN, or run the\n' +
      '  command where the server’s data folder is. Without the books: --no-check.',
  );
}

function hasCounted(report: Json, target: ReadonlyMap<string, number>): boolean {
  return ['tally', 'ledger'].every((store) => {
    const next = positionsIn(report, store, 'next');
    return Array.from(target).every(([place, end]) => (next.get(place) ?? 0) >= end);
  });
}

/** Offsets by log and partition: an installation that has grown has several logs. */
function positionsIn(report: Json, list: string, name: 'end' | 'next'): Map<string, number> {
  return new Map(
    listOf(report, list).map((row) => [`${row.log} ${row.partition}`, Number(row[name])]),
  );
}

function exportedVote(line: string): ExportedVote {
  const { id, option, state } = JSON.parse(line) as Json;
  if (typeof id === 'string' && typeof option === 'string' && typeof state === 'string') {
    return { id, option, state };
  }
  throw new ApuraError('server_unreachable', `The export has a line that is no vote: ${line}`);
}

function listOf(object: Json, name: string): readonly Json[] {
  const list = object[name];
  if (Array.isArray(list)) return list as readonly Json[];
  throw new ApuraError('server_unreachable', `The answer has no list "${name}". Is this Apura?`);
}
