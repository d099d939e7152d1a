/** `POST /v1/pulses`: CloudEvents 1.0 over HTTP, structured, in batches, or binary. */
import { type EventFields, pulseOfEvent } from './cloud-events.ts';
import { problem } from './problems.ts';
import { parsePulseJson, readPulseBody } from './pulse-body.ts';
import {
  isRefusal,
  type PulseIngest,
  type PulseRefusal,
  type PulseSender,
  refusal,
} from './pulse-ingest.ts';
import { type ItemResult, takeItems } from './pulse-items.ts';

export const CLOUD_EVENTS_PATH = '/v1/pulses';

/** Of a body. */
export const CLOUD_EVENTS_BYTES_MAX = 4 * 1024 * 1024;

const ONE = /^application\/cloudevents\+json\s*(;|$)/i;
const BATCH = /^application\/cloudevents-batch\+json\s*(;|$)/i;
const JSON_TYPE = /^application\/([\w.-]+\+)?json\s*(;|$)/i;
const OTHER_CHARSET = /charset=(?!"?utf-?8"?\s*(;|$))/i;
const PREFIX = 'ce-';

export class CloudEventsRoute {
  readonly #pulses: PulseIngest;

  constructor({ pulses }: { readonly pulses: PulseIngest }) {
    this.#pulses = pulses;
  }

  /** Answers one request. Never rejects. */
  async handle(request: Request, remoteAddress: string): Promise<Response> {
    const { headers } = request;
    const type = headers.get('content-type') ?? '';
    const isBinary = headers.has('ce-specversion') && JSON_TYPE.test(type);
    if (OTHER_CHARSET.test(type) || !(ONE.test(type) || BATCH.test(type) || isBinary)) {
      return problem(
        'unsupported_media_type',
        'Send application/cloudevents+json, application/cloudevents-batch+json, or application/json with ce- headers.',
      );
    }
    const sender = this.#pulses.sender(headers.get('authorization'), remoteAddress);
    if (isRefusal(sender)) return problemOfRefusal(sender);
    const backfill = backfillIn(request.url);
    if (typeof backfill !== 'boolean') return problemOfRefusal(backfill);
    const body = await readPulseBody(request, CLOUD_EVENTS_BYTES_MAX);
    if (!(body instanceof Uint8Array)) return problemOfRefusal(body);
    const json = parsePulseJson(body);
    if (isRefusal(json)) return problemOfRefusal(json);
    if (BATCH.test(type)) {
      if (Array.isArray(json.value)) return this.#take(json.value, sender, backfill);
      return problem('invalid_body', 'A batch is a list of events.');
    }
    const event = isBinary && !ONE.test(type) ? eventOf(headers, json.value) : json.value;
    return this.#take([event], sender, backfill);
  }

  async #take(
    events: readonly unknown[],
    sender: PulseSender,
    allowsBackfill: boolean,
  ): Promise<Response> {
    const results = await takeItems(this.#pulses, sender, events.map(pulseOfEvent), allowsBackfill);
    if (isRefusal(results)) return problemOfRefusal(results);
    return answerOf(events, results);
  }
}

/** 202 where all were taken, 207 where some were; 422, a problem, where none was. */
function answerOf(events: readonly unknown[], results: readonly ItemResult[]): Response {
  const rejected = results.filter((result) => result !== null).length;
  const members = {
    accepted: results.length - rejected,
    rejected,
    results: results.map((result, place) => ({
      id: idOf(events[place]),
      ...(result === null ? { status: 'ACCEPTED' } : { status: 'REJECTED', ...result }),
    })),
  };
  if (rejected === results.length) {
    return problem('pulses_rejected', 'No pulse of the request was taken; results says why.', {
      members,
    });
  }
  return new Response(JSON.stringify(members), {
    status: rejected === 0 ? 202 : 207,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

const ID_SHOWN_MAX = 128;

function idOf(event: unknown): string | null {
  const id = typeof event === 'object' && event !== null && 'id' in event ? event.id : null;
  return typeof id === 'string' ? id.slice(0, ID_SHOWN_MAX) : null;
}

/** An event whose attributes came as headers. */
function eventOf(headers: Headers, data: unknown): EventFields {
  const attributes = [...headers]
    .filter(([name]) => name.startsWith(PREFIX))
    .map(([name, value]) => [name.slice(PREFIX.length), unescaped(value)]);
  return { ...Object.fromEntries(attributes), data };
}

/** Percent-encoded by the HTTP binding; what is not is left as it stands. */
function unescaped(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

function backfillIn(url: string): boolean | PulseRefusal {
  const query = new URL(url).searchParams;
  const unknown = [...query.keys()].find((name) => name !== 'allow_backfill');
  if (unknown !== undefined) {
    return refusal('invalid_query', 'The only parameter is allow_backfill.');
  }
  const value = query.get('allow_backfill') ?? 'false';
  if (value === 'true' || value === 'false') return value === 'true';
  return refusal('invalid_query', 'allow_backfill is true or false.');
}

function problemOfRefusal({ code, detail, retryAfterMs }: PulseRefusal): Response {
  return problem(code, detail, {
    headers: {
      ...(code === 'unauthorized' ? { 'www-authenticate': 'Bearer realm="apura"' } : {}),
      ...(retryAfterMs === null ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1000)) }),
    },
  });
}
