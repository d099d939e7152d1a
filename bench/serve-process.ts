/** A real `apura serve` for the bench: all roles in one process, on a free port. */
import { randomBytes } from 'node:crypto';
import { OperatorApi } from '../src/edge/cli/operator-api.ts';
import { Child } from './child.ts';
import { apura } from './programs.ts';

export interface ServeProcess {
  readonly child: Child;
  readonly url: string;
  /** With the operators' token. */
  readonly api: OperatorApi;
  /** From its start to its word that it is ready, ms. */
  readonly readyMs: number;
}

const ASK_AGAIN_MS = 20;

/** Starts the program on a folder; `demo` makes an open poll where there is none. */
export async function startServe(folder: string, demo: boolean): Promise<ServeProcess> {
  const token = randomBytes(32).toString('hex');
  const startedAt = performance.now();
  const child = new Child(apura('serve'), {
    env: {
      APURA_DATA: folder,
      APURA_HTTP_PORT: '0',
      APURA_GRPC_PORT: '0',
      APURA_ADMIN_TOKEN: token,
      APURA_LOG_LEVEL: 'warn',
      APURA_DEMO: demo ? '1' : '0',
    },
  });
  const [, url = ''] = await child.printed(/^Apura is ready: (.*)$/m);
  const readyMs = performance.now() - startedAt;
  return { child, url, api: new OperatorApi(url, token), readyMs };
}

/** Waits until both stores have counted to the end of the log; resolves to how long that took, ms. */
export async function drained(api: OperatorApi, withinMs: number): Promise<number> {
  const startedAt = performance.now();
  for (;;) {
    const report = await api.get('/v1/consistency');
    const tookMs = performance.now() - startedAt;
    if (report.drained === true) return tookMs;
    if (tookMs > withinMs) throw new Error(`Not drained after ${Math.round(tookMs)} ms.`);
    await Bun.sleep(ASK_AGAIN_MS);
  }
}

/** Makes a poll whose results everybody may see at any time, and opens it. */
export async function openPoll(
  api: OperatorApi,
  id: string,
  options: readonly string[],
): Promise<void> {
  await api.post('/v1/polls', {
    id,
    title: id,
    options: options.map((option) => ({ id: option, name: option })),
    resultsVisibility: 'always',
    resultsDetail: 'count',
  });
  await api.post(`/v1/polls/${id}/open`, {});
}
