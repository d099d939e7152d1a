/** Makes and drives polls of a running server over its API, as an operator does. */

export interface PollOperator {
  /** Makes a poll of three options, open unless `opensAt` says otherwise; answers its id. */
  create(fields?: Readonly<Record<string, unknown>>): Promise<string>;
  act(poll: string, act: 'open' | 'pause' | 'resume' | 'close' | 'publish'): Promise<void>;
  /** The votes of each option, as counted so far. */
  votes(poll: string): Promise<Readonly<Record<string, number>>>;
  /** Waits until the count stands at so many votes; throws when it stays below or goes beyond. */
  expectTotal(poll: string, total: number): Promise<void>;
}

/** Generous: a busy machine is slow, and no test is about how slow. */
const PATIENCE_MS = 60_000;

export function createPollOperator(server: {
  readonly url: string;
  readonly token: string;
}): PollOperator {
  const call = async (method: string, path: string, body?: unknown): Promise<unknown> => {
    const response = await fetch(new URL(path, server.url), {
      method,
      headers: { authorization: `Bearer ${server.token}`, 'content-type': 'application/json' },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`${method} ${path}: ${response.status} ${text}`);
    return JSON.parse(text);
  };
  const operator: PollOperator = {
    async create(fields = {}) {
      const made = (await call('POST', '/v1/polls', {
        title: 'Quem você quer eliminar no paredão desta semana?',
        options: [
          { id: 'ana', name: 'Ana Beatriz' },
          { id: 'davi', name: 'Davi Moreira' },
          { id: 'maria', name: 'Maria do Carmo' },
        ],
        ...fields,
      })) as { readonly id: string };
      if (fields.opensAt === undefined) await operator.act(made.id, 'open');
      return made.id;
    },
    async act(poll, act) {
      await call('POST', `/v1/polls/${poll}/${act}`, {});
    },
    async votes(poll) {
      const results = (await call('GET', `/v1/polls/${poll}/results`)) as {
        readonly options: readonly { readonly id: string; readonly votes: number }[];
      };
      return Object.fromEntries(results.options.map(({ id, votes }) => [id, votes]));
    },
    async expectTotal(poll, total) {
      const deadline = performance.now() + PATIENCE_MS;
      let votes: Readonly<Record<string, number>> = {};
      do {
        votes = await operator.votes(poll);
        const counted = Object.values(votes).reduce((sum, count) => sum + count, 0);
        if (counted === total) return;
        if (counted > total) break;
        await Bun.sleep(50);
      } while (performance.now() < deadline);
      throw new Error(`expected ${total} votes, but ${JSON.stringify(votes)} are counted`);
    },
  };
  return operator;
}
