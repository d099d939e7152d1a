/** Reads the address of a RabbitMQ: where its nodes are, who asks, and how Apura's streams are made. */
import { readFileSync } from 'node:fs';
import { ApuraError } from '../../domain/errors.ts';

export interface RabbitmqEndpoint {
  readonly host: string;
  readonly port: number;
}

/** PEM texts. What is null is the system's: its authorities, no certificate of the client's own. */
export interface RabbitmqTls {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

export interface RabbitmqSettings {
  /** Tried in turn; at least one. */
  readonly endpoints: readonly RabbitmqEndpoint[];
  readonly tls: RabbitmqTls | null;
  readonly user: string;
  readonly password: string;
  readonly vhost: string;
  /** Begins the names of all queues; installations that share a virtual host need one each. */
  readonly stream: string;
  /** On how many nodes each stream is laid out. RabbitMQ confirms once most of them hold a block. */
  readonly replicas: number;
  /** Size at which a stream begins a new file; null: as RabbitMQ likes it. */
  readonly segmentBytesMax: number | null;
}

const PORT = { 'amqp:': 5672, 'amqps:': 5671 };
const SETTINGS = ['stream', 'replicas', 'segmentBytesMax', 'ca', 'cert', 'key'];
const REPLICAS_MAX = 9;
/** RabbitMQ's own bound. */
const SEGMENT_BYTES_MAX = 3_000_000_000;
const SHAPE = 'amqp[s]://[user:password@]host[:port][,host[:port]…][/vhost][?stream=…&replicas=…]';

/**
 * Parses `amqp[s]://[user:password@]host[:port][,host[:port]…][/vhost]` and behind a `?` any of
 * `stream` (apura), `replicas` (1), `segmentBytesMax`, and for amqps the paths of PEM files `ca`,
 * `cert` and `key`.
 *
 * @throws ApuraError `invalid_config`, in words that hold nothing of user and password.
 */
export function parseRabbitmqUrl(url: string): RabbitmqSettings {
  const match = /^(amqps?:)\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/([^/?#]*))?(?:\?([^#]*))?$/.exec(url);
  if (match === null) throw invalid(`is not of the form ${SHAPE}`);
  const [, scheme, credentials = '', hosts = '', vhost = '', query = ''] = match;
  const [user = '', password = '', ...rest] = credentials === '' ? [] : credentials.split(':');
  if (rest.length > 0) throw invalid('has a colon in its password: write it as %3A');
  const protocol = scheme === 'amqps:' ? 'amqps:' : 'amqp:';
  const settings = settingsOf(query);
  return {
    endpoints: hosts.split(',').map((host) => endpointOf(host, PORT[protocol])),
    tls: tlsOf(protocol === 'amqps:', settings),
    user: credentials === '' ? 'guest' : decoded('user', user),
    password: credentials === '' ? 'guest' : decoded('password', password),
    vhost: vhost === '' ? '/' : decoded('virtual host', vhost),
    stream: streamOf(settings.get('stream')),
    replicas: numberOf('replicas', settings.get('replicas'), REPLICAS_MAX) ?? 1,
    segmentBytesMax: numberOf(
      'segmentBytesMax',
      settings.get('segmentBytesMax'),
      SEGMENT_BYTES_MAX,
    ),
  };
}

function settingsOf(query: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!SETTINGS.includes(name)) {
      throw invalid(`has an unknown setting ${name}: there are ${SETTINGS.join(', ')}`);
    }
    if (settings.has(name)) throw invalid(`has the setting ${name} twice`);
    if (value === '') throw invalid(`has the setting ${name} without a value`);
    settings.set(name, value);
  }
  return settings;
}

function endpointOf(text: string, portElse: number): RabbitmqEndpoint {
  const match = /^(\[[0-9a-fA-F:.]+\]|[^:[\]]+)(?::(\d{1,5}))?$/.exec(text);
  const port = Number(match?.[2] ?? portElse);
  if (match === null || port < 1 || port > 65_535) {
    throw invalid('names a node that is not of the form host or host:port');
  }
  return { host: (match[1] ?? '').replace(/^\[|\]$/g, ''), port };
}

function tlsOf(isTls: boolean, settings: ReadonlyMap<string, string>): RabbitmqTls | null {
  const files = ['ca', 'cert', 'key'] as const;
  if (!isTls) {
    const odd = files.find((name) => settings.has(name));
    if (odd !== undefined) throw invalid(`has the setting ${odd}, which only amqps:// knows`);
    return null;
  }
  if (settings.has('cert') !== settings.has('key')) {
    throw invalid('has one of cert and key without the other');
  }
  const [ca, cert, key] = files.map((name) => pemOf(name, settings.get(name)));
  return { ca: ca ?? null, cert: cert ?? null, key: key ?? null };
}

function pemOf(name: string, path: string | undefined): string | null {
  if (path === undefined) return null;
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw invalid(`names a file as ${name} that can not be read: ${path}`, cause);
  }
}

function streamOf(text = 'apura'): string {
  if (/^[A-Za-z0-9_.-]{1,100}$/.test(text)) return text;
  throw invalid(
    'has a setting stream that is not 1–100 letters, digits, dots, dashes, underscores',
  );
}

function numberOf(name: string, text: string | undefined, max: number): number | null {
  if (text === undefined) return null;
  const number = /^\d{1,10}$/.test(text) ? Number(text) : 0;
  if (number < 1 || number > max) throw invalid(`has a setting ${name} that is not 1–${max}`);
  return number;
}

function decoded(what: string, text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw invalid(`has a ${what} with a % that is none of its encoding`);
  }
}

function invalid(why: string, cause?: unknown): ApuraError {
  return new ApuraError('invalid_config', `The address of RabbitMQ ${why}.`, { cause });
}
