/** What a `redis://` URL says: perhaps several nodes, so it is none that a URL parser reads. */
import { ApuraError } from '../../domain/errors.ts';

export interface RedisNode {
  readonly host: string;
  readonly port: number;
}

export interface RedisAddress {
  /** The server, or nodes of a cluster to ask for the others; at least one. */
  readonly nodes: readonly RedisNode[];
  readonly isCluster: boolean;
  readonly hasTls: boolean;
  readonly username: string | null;
  readonly password: string | null;
  /** The number of the database; 0 in a cluster. */
  readonly database: number;
  /** Stands before every key and channel; null: nothing does. */
  readonly prefix: string | null;
}

const FORM =
  'redis[s]://[user:password@]host[:port][,host[:port]…][/database][?cluster=1][&prefix=name]';
const PORT = 6379;
const PORT_MAX = 65_535;
const DATABASE_MAX = 65_535;
const URL_PARTS = /^(rediss?):\/\/(?:([^@/?#]*)@)?([^@/?#]+)(?:\/(\d{0,5}))?(?:\?([^#]*))?$/;
const NODE = /^(\[[0-9A-Fa-f:.]+\]|[^:[\]\s]+)(?::(\d{1,5}))?$/;
/** Braces would move the keys of a partition to other slots of a cluster. */
const PREFIX = /^[A-Za-z0-9_.:-]{1,64}$/;

/**
 * Messages never quote what may hold a password.
 *
 * @throws ApuraError `invalid_config`: what is malformed, unknown or contradictory.
 */
export function parseRedisAddress(url: string): RedisAddress {
  const [, scheme, user, hosts = '', database = '', query = ''] = URL_PARTS.exec(url) ?? [];
  if (scheme === undefined) refuse('has another form');
  const settings = settingsOf(query);
  const nodes = hosts.split(',').map(nodeOf);
  const isCluster = settings.get('cluster') === '1';
  if (nodes.length > 1 && !isCluster) refuse('names several nodes, but not cluster=1');
  if (Number(database) > DATABASE_MAX) refuse('names a database that can not be');
  if (isCluster && Number(database) !== 0) refuse('names a database, which no cluster has');
  const [username, password] = user === undefined ? [null, null] : loginOf(user);
  return {
    nodes,
    isCluster,
    hasTls: scheme === 'rediss',
    username,
    password,
    database: Number(database),
    prefix: settings.get('prefix') ?? null,
  };
}

function settingsOf(query: string): URLSearchParams {
  const settings = new URLSearchParams(query);
  for (const [name, value] of settings) {
    if (name !== 'cluster' && name !== 'prefix') refuse('has a setting that is not known');
    if (settings.getAll(name).length > 1) refuse(`says ${name} twice`);
    if (name === 'cluster' && !/^[01]$/.test(value)) refuse('has a cluster that is not 0 or 1');
    if (name === 'prefix' && !PREFIX.test(value)) refuse(`has a prefix that is not ${PREFIX}`);
  }
  return settings;
}

function nodeOf(text: string): RedisNode {
  const [, host, port = String(PORT)] = NODE.exec(text) ?? [];
  if (host === undefined) refuse('names a node that is not host[:port]');
  if (Number(port) < 1 || Number(port) > PORT_MAX) refuse('names a port that can not be');
  return { host: host.replace(/^\[|\]$/g, ''), port: Number(port) };
}

/** `user:password`, `:password` or, as other clients read it, `user` alone. */
function loginOf(text: string): [string | null, string | null] {
  const [username = '', ...rest] = text.split(':');
  const decoded = (part: string): string | null => {
    try {
      return part === '' ? null : decodeURIComponent(part);
    } catch {
      refuse('has a user or a password with a % that begins no escape');
    }
  };
  return [decoded(username), decoded(rest.join(':'))];
}

function refuse(why: string): never {
  throw new ApuraError('invalid_config', `The address of Redis ${why}. It is ${FORM}.`);
}
