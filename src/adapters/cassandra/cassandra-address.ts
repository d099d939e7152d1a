/** What a `cassandra://` URL says: several nodes, so it is none that a URL parser reads. */
import { ApuraError } from '../../domain/errors.ts';

export interface CassandraAddress {
  /** Hosts to ask for the others first; at least one. */
  readonly hosts: readonly string[];
  /** Where every node of the cluster takes clients. */
  readonly port: number;
  readonly keyspace: string;
  /** The data centre whose nodes are asked, and whose replicas confirm. */
  readonly dataCentre: string;
  /** Replicas in the data centre; null: what the keyspace has, or up to 3 for a new one. */
  readonly replication: number | null;
  readonly login: { readonly username: string; readonly password: string } | null;
  /** Paths of PEM files; null: no TLS. */
  readonly tls: {
    readonly ca: string | null;
    readonly cert: string | null;
    readonly key: string | null;
  } | null;
}

const FORM =
  'cassandra[s]://[user:password@]host[:port][,host[:port]…]/keyspace[?dc=name][&replication=3]' +
  '[&ca=file][&cert=file&key=file]';
const PORT = 9_042;
const PORT_MAX = 65_535;
/** How Cassandra and ScyllaDB name the only data centre of a cluster that was told nothing. */
const DATA_CENTRE = 'datacenter1';
const REPLICAS_MAX = 15;
const SETTINGS = ['dc', 'replication', 'ca', 'cert', 'key'];
const URL_PARTS = /^(cassandras?):\/\/(?:([^/?#]*)@)?([^@/?#]+)\/([^/?#]*)(?:\?([^#]*))?$/;
const NODE = /^(?:\[([0-9A-Fa-f:.]+)\]|([^:[\]\s]+))(?::(\d{1,5}))?$/;
/** What needs no quotes in CQL, in the length that Cassandra allows. */
const KEYSPACE = /^[a-z][a-z0-9_]{0,47}$/;
const DATA_CENTRE_NAME = /^[A-Za-z0-9_.-]{1,64}$/;

/**
 * Messages never quote what may hold a password.
 *
 * @throws ApuraError `invalid_config`: what is malformed, unknown or contradictory.
 */
export function parseCassandraAddress(url: string): CassandraAddress {
  const [, scheme, user, nodes = '', keyspace = '', query = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined) refuse('has another form');
  if (!KEYSPACE.test(keyspace)) {
    refuse('names no usable keyspace: 1 to 48 small letters, digits and "_", a letter first');
  }
  const settings = settingsOf(query);
  const addresses = nodes.split(',').map(nodeOf);
  const ports = new Set(addresses.map(({ port }) => port));
  // The nodes tell of each other without ports.
  if (ports.size > 1) refuse('names several ports, but a cluster has the same on every node');
  return {
    hosts: addresses.map(({ host }) => host),
    port: addresses[0]?.port ?? PORT,
    keyspace,
    dataCentre: settings.get('dc') ?? DATA_CENTRE,
    replication: replicationOf(settings),
    login: user === undefined ? null : loginOf(user),
    tls: tlsOf(settings, scheme === 'cassandras'),
  };
}

function settingsOf(query: string): ReadonlyMap<string, string> {
  const settings = new Map<string, string>();
  for (const [name, value] of new URLSearchParams(query)) {
    if (!SETTINGS.includes(name)) {
      refuse(`has a setting that is not known; known are ${SETTINGS.join(', ')}`);
    }
    if (settings.has(name)) refuse(`says ${name} twice`);
    if (value === '') refuse(`says nothing for ${name}`);
    if (name === 'dc' && !DATA_CENTRE_NAME.test(value)) refuse('has a dc that can not be one');
    settings.set(name, value);
  }
  return settings;
}

function nodeOf(text: string): { readonly host: string; readonly port: number } {
  const [, bracketed, plain, port = String(PORT)] = NODE.exec(text) ?? [];
  const host = bracketed ?? plain;
  if (host === undefined) refuse('names a node that is not host[:port]');
  if (Number(port) < 1 || Number(port) > PORT_MAX) refuse('names a port that can not be');
  return { host, port: Number(port) };
}

function replicationOf(settings: ReadonlyMap<string, string>): number | null {
  const text = settings.get('replication');
  if (text === undefined) return null;
  const number = Number(text);
  if (!/^\d{1,2}$/.test(text) || number < 1 || number > REPLICAS_MAX) {
    refuse(`sets replication to something else than 1 to ${REPLICAS_MAX}`);
  }
  return number;
}

function loginOf(text: string): CassandraAddress['login'] {
  const colon = text.indexOf(':');
  if (colon < 1) refuse('names a user without a password, or none before the "@"');
  try {
    return {
      username: decodeURIComponent(text.slice(0, colon)),
      password: decodeURIComponent(text.slice(colon + 1)),
    };
  } catch {
    return refuse('has a user or a password with a % that begins no escape');
  }
}

function tlsOf(settings: ReadonlyMap<string, string>, isOn: boolean): CassandraAddress['tls'] {
  const [ca = null, cert = null, key = null] = ['ca', 'cert', 'key'].map((name) =>
    settings.get(name),
  );
  if (!isOn && (ca ?? cert ?? key) !== null) refuse('names ca, cert or key, but not cassandras://');
  if ((cert === null) !== (key === null)) refuse('names one of cert and key only');
  return isOn ? { ca, cert, key } : null;
}

function refuse(why: string): never {
  throw new ApuraError('invalid_config', `The address of Cassandra ${why}. It is ${FORM}.`);
}
