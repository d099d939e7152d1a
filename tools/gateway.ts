/** Renders the gateway's shipped configuration for given addresses: deploy/gateway/{nginx.conf,haproxy.cfg}. */
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

export type GatewayKind = 'nginx' | 'haproxy';

export interface GatewaySettings {
  /** As `host:port`. */
  readonly listen: string;
  /** Absolute path of an existing folder that the gateway may write. */
  readonly folder: string;
  /** Processes that take votes, each `host:port`. */
  readonly ingest: readonly string[];
  /** Processes that answer everything else, each `host:port`. */
  readonly query: readonly string[];
}

const TEMPLATES: Readonly<Record<GatewayKind, string>> = {
  nginx: 'deploy/gateway/nginx.conf',
  haproxy: 'deploy/gateway/haproxy.cfg',
};

/** The configuration's text. @throws where a setting is missing or the template names an unknown one. */
export function renderGateway(kind: GatewayKind, settings: GatewaySettings): string {
  const path = fileURLToPath(new URL(`../${TEMPLATES[kind]}`, import.meta.url));
  const values = gatewayVariables(kind, settings);
  return readFileSync(path, 'utf8').replaceAll(/\$\{(GATEWAY_[A-Z_]+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new Error(`${TEMPLATES[kind]} names ${name}, which has no value.`);
    return value;
  });
}

/** What stands for the template's variables: also the environment for `envsubst`. */
export function gatewayVariables(
  kind: GatewayKind,
  { listen, folder, ingest, query }: GatewaySettings,
): Readonly<Record<string, string>> {
  if (ingest.length === 0 || query.length === 0) {
    throw new Error('A gateway needs at least one ingest and one query process.');
  }
  return {
    GATEWAY_LISTEN: listen,
    GATEWAY_FOLDER: folder,
    GATEWAY_INGEST_SERVERS: serverLines(kind, 'ingest', ingest),
    GATEWAY_QUERY_SERVERS: serverLines(kind, 'query', query),
  };
}

function serverLines(kind: GatewayKind, name: string, addresses: readonly string[]): string {
  if (kind === 'nginx') {
    const lines = addresses.map((address) => `server ${address} max_fails=1 fail_timeout=2s;`);
    return lines.join('\n    ');
  }
  return addresses.map((address, index) => `server ${name}-${index + 1} ${address}`).join('\n  ');
}

if (import.meta.main) {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      listen: { type: 'string', default: '127.0.0.1:8080' },
      folder: { type: 'string' },
      ingest: { type: 'string', default: '' },
      query: { type: 'string', default: '' },
    },
  });
  const [kind] = positionals;
  const list = (text: string): string[] => text.split(',').filter((part) => part !== '');
  if ((kind !== 'nginx' && kind !== 'haproxy') || values.folder === undefined) {
    console.error(
      'Usage: bun tools/gateway.ts nginx|haproxy --folder FOLDER --ingest HOST:PORT,… ' +
        '--query HOST:PORT,… [--listen HOST:PORT] > FILE',
    );
    process.exitCode = 2;
  } else {
    const { listen, folder } = values;
    const settings = { listen, folder, ingest: list(values.ingest), query: list(values.query) };
    process.stdout.write(renderGateway(kind, settings));
  }
}
