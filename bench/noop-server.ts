/**
 * The least that an answer to a vote can cost on this runtime: the same route, the same JSON body parsed,
 * an answer of the same bytes and headers, and nothing done. Argument: the body of a real answer.
 */

const [body = ''] = process.argv.slice(2);

const ACCEPTED: ResponseInit = {
  status: 202,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
};
const INVALID: ResponseInit = { status: 422 };

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  routes: {
    '/v1/polls/:poll/votes': {
      POST: async (request: Request) => {
        const vote: unknown = await request.json();
        const isVote = typeof vote === 'object' && vote !== null && 'option' in vote;
        return isVote ? new Response(body, ACCEPTED) : new Response(null, INVALID);
      },
    },
  },
});

console.log(`ready ${server.url.origin}`);
process.once('SIGTERM', () => void server.stop(true));
