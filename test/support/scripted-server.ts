/** A server that answers as a test scripts it and remembers what it was asked. */
export interface AskedRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly authorization: string | null;
  /** The body as JSON; null without one. */
  readonly body: unknown;
}

export interface ScriptedServer extends AsyncDisposable {
  readonly url: string;
  readonly asked: readonly AskedRequest[];
}

/** Answers each request by `answer`; a path without one gets 404 not_found. */
export function scriptedServer(
  answer: (asked: AskedRequest) => Response | Promise<Response> | undefined,
): ScriptedServer {
  const asked: AskedRequest[] = [];
  const server = Bun.serve({
    port: 0,
    hostname: '127.0.0.1',
    async fetch(request) {
      const { pathname, search } = new URL(request.url);
      const text = await request.text();
      const one = {
        method: request.method,
        path: pathname + search,
        authorization: request.headers.get('authorization'),
        body: text === '' ? null : JSON.parse(text),
      };
      asked.push(one);
      const missing = { code: 'not_found', title: 'There is nothing at this path.' };
      return answer(one) ?? Response.json(missing, { status: 404 });
    },
  });
  return {
    url: `http://127.0.0.1:${server.port}`,
    asked,
    [Symbol.asyncDispose]: () => server.stop(true),
  };
}
