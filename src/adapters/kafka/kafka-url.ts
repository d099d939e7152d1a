/** What a `kafka://` URL says: several brokers, so it is none that a URL parser reads. */
import { ApuraError } from '../../domain/errors.ts';

export interface BrokerAddress {
  readonly host: string;
  readonly port: number;
}

export type SaslMechanism = 'PLAIN' | 'SCRAM-SHA-256' | 'SCRAM-SHA-512';

export interface KafkaSettings {
  /** Where to ask for the cluster first; at least one. */
  readonly brokers: readonly BrokerAddress[];
  /** What the names of the log's topics begin with. */
  readonly topic: string;
  /** Replicas a partition; null: by the number of brokers. */
  readonly replication: number | null;
  /** Replicas that must hold a block before it is confirmed; null: by the number of replicas. */
  readonly minInsync: number | null;
  readonly sasl: {
    readonly mechanism: SaslMechanism;
    readonly username: string;
    readonly password: string;
  } | null;
  /** Paths of PEM files; null: no TLS. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
  } | null;
}

const SCHEME = 'kafka://';
const FORM = 'kafka://[user:password@]host:port[,host:port…]/topic[?setting=value&…]';
const SETTINGS = ['replication', 'min_insync', 'sasl', 'tls', 'ca', 'cert', 'key'];
const MECHANISMS: Readonly<Record<string, SaslMechanism>> = {
  plain: 'PLAIN',
  'scram-sha-256': 'SCRAM-SHA-256',
  'scram-sha-512': 'SCRAM-SHA-512',
};
/** Kafka allows 249 characters; the log's id and what a topic holds come behind. */
const TOPIC = /^[A-Za-z0-9._-]{1,150}$/;
const PORT_MAX = 65_535;
/** What Kafka's protocol holds is more; nobody means more. */
const REPLICAS_MAX = 15;

/**
 * Messages never quote what may hold a password.
 *
 * @throws ApuraError `invalid_config`: what is missing, malformed, unknown or contradictory.
 */
export function parseKafkaUrl(url: string): KafkaSettings {
  if (!url.startsWith(SCHEME)) refuse(`does not begin with ${SCHEME}`);
  const [place = '', query = '', ...rest] = url.slice(SCHEME.length).split('?');
  if (rest.length > 0 || url.includes('#')) refuse('has a second "?" or a "#"');
  const slash = place.indexOf('/');
  if (slash < 0) refuse('names no topic');
  const authority = place.slice(0, slash);
  const topic = place.slice(slash + 1);
  if (!TOPIC.test(topic)) {
    refuse('names no usable topic: 1 to 150 letters, digits, ".", "_" and "-"');
  }
  const at = authority.lastIndexOf('@');
  const brokers = authority
    .slice(at + 1)
    .split(',')
    .map(brokerAddress);
  const settings = querySettings(query);
  const replication = replicas(settings, 'replication');
  const minInsync = replicas(settings, 'min_insync');
  if (replication !== null && minInsync !== null && minInsync > replication) {
    refuse(`asks for min_insync=${minInsync} of only replication=${replication}`);
  }
  const user = at < 0 ? null : credentials(authority.slice(0, at));
  return { brokers, topic, replication, minInsync, sasl: sasl(settings, user), tls: tls(settings) };
}

function brokerAddress(text: string): BrokerAddress {
  const [, bracketed, plain, port] =
    /^(?:\[([0-9a-fA-F:.]+)\]|([^\s:[\]/]+)):(\d{1,5})$/.exec(text) ?? [];
  const host = bracketed ?? plain;
  const number = Number(port);
  if (host === undefined || number < 1 || number > PORT_MAX) {
    refuse('names a broker that is not host:port');
  }
  return { host, port: number };
}

function querySettings(query: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const pair of query.split('&').filter((text) => text !== '')) {
    const equals = pair.indexOf('=');
    const name = equals < 0 ? pair : pair.slice(0, equals);
    if (!SETTINGS.includes(name)) {
      refuse(`has an unknown setting; known are ${SETTINGS.join(', ')}`);
    }
    if (settings.has(name)) refuse(`sets ${name} twice`);
    settings.set(name, equals < 0 ? '' : decoded(pair.slice(equals + 1), name));
  }
  return settings;
}

function replicas(settings: ReadonlyMap<string, string>, name: string): number | null {
  const text = settings.get(name);
  if (text === undefined) return null;
  const number = Number(text);
  if (!/^\d+$/.test(text) || number < 1 || number > REPLICAS_MAX) {
    refuse(`sets ${name} to something else than 1 to ${REPLICAS_MAX}`);
  }
  return number;
}

function sasl(
  settings: ReadonlyMap<string, string>,
  user: { readonly username: string; readonly password: string } | null,
): KafkaSettings['sasl'] {
  const name = settings.get('sasl');
  if (name === undefined) {
    if (user !== null) refuse(`names a user, but not sasl=${Object.keys(MECHANISMS).join('|')}`);
    return null;
  }
  const mechanism = MECHANISMS[name];
  if (mechanism === undefined) {
    refuse(`sets sasl to something else than ${Object.keys(MECHANISMS).join(', ')}`);
  }
  if (user === null) refuse('sets sasl, but names no user:password@');
  return { mechanism, ...user };
}

function tls(settings: ReadonlyMap<string, string>): KafkaSettings['tls'] {
  const switched = settings.get('tls');
  const files = {
    ca: settings.get('ca') ?? null,
    cert: settings.get('cert') ?? null,
    key: settings.get('key') ?? null,
  };
  if (switched === undefined) {
    if (Object.values(files).some((file) => file !== null)) {
      refuse('names ca, cert or key, but not tls=1');
    }
    return null;
  }
  if (switched !== '1') refuse('sets tls to something else than 1');
  if ((files.cert === null) !== (files.key === null)) refuse('names one of cert and key only');
  return files;
}

function credentials(text: string): { readonly username: string; readonly password: string } {
  const colon = text.indexOf(':');
  if (colon < 1) refuse('names a user without a password, or none before the "@"');
  return {
    username: decoded(text.slice(0, colon), 'the user'),
    password: decoded(text.slice(colon + 1), 'the password'),
  };
}

function decoded(text: string, name: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return refuse(`has a malformed percent sign in ${name}`);
  }
}

function refuse(words: string): never {
  throw new ApuraError('invalid_config', `The Kafka URL ${words}. It reads ${FORM}`);
}
