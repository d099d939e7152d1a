/**
 * The usual design, as small as it gets: every vote a message of its own, sent by the same client
 * library as Apura's log uses, and answered once the server has confirmed it (acks=all, or a publisher's
 * confirm). No ids are looked at, no poll, nothing is counted. Arguments: the log server's address, the
 * body of a real answer.
 */
import { Admin, ProduceAcks, Producer, stringSerializers } from '@platformatic/kafka';
import { connect } from 'amqplib';
import { logSettings } from './log-on-server.ts';

const TOPIC = 'each';
/** Produce requests under way on the client's connection: the library's own five would have votes wait for it. */
const IN_FLIGHT_MAX = 256;
const REQUEST_TIMEOUT_MS = 5_000;

const ACCEPTED: ResponseInit = {
  status: 202,
  headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
};
const REFUSED: ResponseInit = { status: 422 };
const UNKNOWN: ResponseInit = { status: 503 };

interface Messages extends AsyncDisposable {
  /** Resolves once the message is confirmed. */
  send(key: string, message: string): Promise<unknown>;
}

async function kafkaMessages(url: string): Promise<Messages> {
  const options = { clientId: 'each', bootstrapBrokers: [new URL(url).host] };
  const admin = new Admin(options);
  const { partitions } = logSettings(url);
  await admin.createTopics({ topics: [TOPIC], partitions, replicas: 1 });
  await admin.close();
  const producer = new Producer({
    ...options,
    maxInflights: IN_FLIGHT_MAX,
    requestTimeout: REQUEST_TIMEOUT_MS,
    serializers: stringSerializers,
  });
  return {
    send: (key, value) =>
      producer.send({ messages: [{ topic: TOPIC, key, value }], acks: ProduceAcks.ALL }),
    [Symbol.asyncDispose]: () => producer.close(),
  };
}

async function rabbitmqMessages(url: string): Promise<Messages> {
  const connection = await connect(url, { noDelay: true });
  const channel = await connection.createConfirmChannel();
  await channel.assertQueue(TOPIC, { durable: true, arguments: { 'x-queue-type': 'stream' } });
  return {
    send(key, message) {
      const { promise, resolve, reject } = Promise.withResolvers<void>();
      channel.sendToQueue(TOPIC, Buffer.from(message), { messageId: key }, (error) => {
        if (error === null) resolve();
        else reject(error);
      });
      return promise;
    },
    [Symbol.asyncDispose]: () => connection.close(),
  };
}

const [url = '', body = ''] = process.argv.slice(2);
const stop = Promise.withResolvers<void>();
process.once('SIGTERM', () => stop.resolve());
await using messages = await (url.startsWith('kafka:') ? kafkaMessages : rabbitmqMessages)(url);

const server = Bun.serve({
  hostname: '127.0.0.1',
  port: 0,
  development: false,
  routes: {
    '/v1/polls/:poll/votes': {
      POST: async (request: Bun.BunRequest<'/v1/polls/:poll/votes'>) => {
        const vote: unknown = await request.json();
        const isVote = typeof vote === 'object' && vote !== null && 'option' in vote;
        if (!isVote) return new Response(null, REFUSED);
        const id = request.headers.get('idempotency-key') ?? crypto.randomUUID();
        const { option } = vote;
        const message = { id, poll: request.params.poll, option, acceptedAt: Date.now() };
        try {
          await messages.send(id, JSON.stringify(message));
        } catch {
          return new Response(null, UNKNOWN);
        }
        return new Response(body, ACCEPTED);
      },
    },
  },
});
console.log(`ready ${server.url.origin}`);
await stop.promise;
await server.stop(true);
