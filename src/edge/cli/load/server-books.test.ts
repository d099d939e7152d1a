/** The server's books are read whole or not at all, and only when it has counted what it logged. */
import { describe, expect, test } from 'bun:test';
import { scriptedServer } from '../../../../test/support/scripted-server.ts';
import { OperatorApi } from '../operator-api.ts';
import type { ExportedVote } from './balance-sheet.ts';
import { ServerBooks } from './server-books.ts';

const LINE = '{"id":"0193512a7c00f3a09b1c4d5e6f708192","option":"joão","state":"counted"}\n';

/** Books over a server that answers every request by `answer`. */
async function withBooks<T>(
  answer: () => Response,
  use: (books: ServerBooks, asked: readonly { readonly path: string }[]) => Promise<T>,
): Promise<T> {
  await using server = scriptedServer(answer);
  return await use(new ServerBooks(new OperatorApi(server.url, 'token'), 'de mo'), server.asked);
}

async function votesIn(chunks: readonly Uint8Array[]): Promise<ExportedVote[]> {
  const left = [...chunks];
  const stream = () =>
    new ReadableStream<Uint8Array>({
      pull(controller) {
        const chunk = left.shift();
        if (chunk === undefined) controller.close();
        else controller.enqueue(chunk);
      },
    });
  return withBooks(
    () => new Response(stream()),
    async (books) => {
      const votes: ExportedVote[] = [];
      await books.readVotes((vote) => votes.push(vote));
      return votes;
    },
  );
}

const refusal = (run: Promise<unknown>) =>
  run.then(
    () => 'none',
    (error: { code: string; message: string }) => `${error.code}: ${error.message}`,
  );

describe('the export', () => {
  test('is read line by line, however it is cut', async () => {
    const bytes = new TextEncoder().encode(LINE.repeat(3));
    for (const size of [1, 7, 50, bytes.length]) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < bytes.length; at += size) chunks.push(bytes.slice(at, at + size));
      const votes = await votesIn(chunks);
      expect(votes.map(({ option, state }) => [option, state])).toEqual(
        new Array(3).fill(['joão', 'counted']),
      );
    }
  });

  test('that ends within a line, or holds another thing than votes, is refused', async () => {
    const bytes = (text: string) => [new TextEncoder().encode(text)];
    expect(await refusal(votesIn(bytes(LINE + LINE.slice(0, -1))))).toContain('ends within a line');
    expect(await refusal(votesIn(bytes('{"id":1}\n')))).toContain('a line that is no vote');
  });

  test('is asked for by the poll’s own name', async () => {
    await withBooks(
      () => new Response(''),
      async (books, asked) => {
        await books.readVotes(() => {});
        expect(asked[0]?.path).toBe('/v1/polls/de%20mo/export?format=ndjson&what=votes');
      },
    );
  });
});

describe('the position', () => {
  const report = (end: number, tally: number, ledger: number, more = {}) =>
    Response.json({
      state: 'consistent',
      detail: null,
      drained: false,
      logEnd: [
        { log: 'old', partition: 0, end },
        { log: 'new', partition: 0, end: 4 },
      ],
      tally: [
        { log: 'old', partition: 0, next: tally },
        { log: 'new', partition: 0, next: 4 },
      ],
      ledger: [
        { log: 'old', partition: 0, next: ledger },
        { log: 'new', partition: 0, next: 4 },
      ],
      ...more,
    });

  test('is awaited until both stores have counted what was logged at first', async () => {
    // Others vote on, so that the stores never reach the log's end of the moment.
    const reports = [report(10, 3, 2), report(20, 12, 9), report(30, 14, 10), report(40, 9, 9)];
    await withBooks(
      () => reports.shift() ?? report(0, 0, 0),
      async (books) => {
        await books.counted(5_000);
        expect(reports.length).toBe(1);
      },
    );
  });

  test('is awaited through a server that is away for a moment, not through a wrong token', async () => {
    let asked = 0;
    const busy = { code: 'not_ready', title: 'Starting.' };
    await withBooks(
      () => {
        asked += 1;
        return asked < 3 ? Response.json(busy, { status: 503 }) : report(1, 1, 1);
      },
      async (books) => {
        await books.counted(5_000);
        expect(asked).toBe(3);
      },
    );
    const wrong = await withBooks(
      () => Response.json({ code: 'unauthorized' }, { status: 401 }),
      (books) => refusal(books.counted(5_000)),
    );
    expect(wrong).toContain('unauthorized');
  });

  test('that is not reached in time is an error', async () => {
    const late = await withBooks(
      () => report(10, 10, 9),
      (books) => refusal(books.counted(150)),
    );
    expect(late).toContain('not_balanced');
  });

  test('tells the log’s end, whether all is counted, and what the server finds wrong', async () => {
    const differs = { state: 'different', detail: 'partition 0' };
    const [behind, drained, different] = await Promise.all(
      [report(10, 10, 9), report(10, 10, 10), report(10, 9, 9, differs)].map((answer) =>
        withBooks(
          () => answer,
          (books) => books.position(),
        ),
      ),
    );
    expect(behind).toMatchObject({ drained: false, inconsistency: null });
    expect(drained).toMatchObject({ drained: true, inconsistency: null });
    expect(different).toMatchObject({ drained: false, inconsistency: 'partition 0' });
    expect(drained?.logEnd.get('old 0')).toBe(10);
  });
});

describe('the results', () => {
  test('are counts by option', async () => {
    const results = { options: [{ id: 'ana', votes: 3, share: 1 }] };
    expect(
      await withBooks(
        () => Response.json(results),
        (books) => books.results(),
      ),
    ).toEqual({ ana: 3 });
  });

  test('without counts say that a token is missing', async () => {
    for (const results of [
      { options: [{ id: 'ana', votes: null, share: 1 }] },
      { visible: false, reason: 'after_vote' },
    ]) {
      const refused = await withBooks(
        () => Response.json(results),
        (books) => refusal(books.results()),
      );
      expect(refused).toContain('unauthorized');
    }
  });
});
