/** Holds the built web assets in memory and answers requests for them as files that never change. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ApuraError } from '../../domain/errors.ts';
import { acceptsGzip } from './content-coding.ts';
import { holdsAlready } from './entity-tag.ts';

const MANIFEST = 'manifest.json';

/** The name carries the content's hash, so a cache may keep the file for good. */
const IMMUTABLE = 'public, max-age=31536000, immutable';

const MEDIA_TYPES: Readonly<Record<string, string>> = {
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.woff2': 'font/woff2',
};

/** One encoding of a file, with what its answers say about it. */
interface Representation {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly etag: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Asset {
  readonly plain: Representation;
  /** Absent where packing would not have made the file smaller. */
  readonly gzip: Representation | null;
}

export interface AssetCatalogue {
  /** The address of a built file by the name that it was built from, `vote.js`; `internal` if there is none. */
  url(name: string): string;
  /** Answers GET and HEAD for `/assets/<file>`, also with 304; null when no such file was built. */
  respond(request: Request, file: string): Response | null;
}

/**
 * Reads what `make setup` built: out of the executable itself when there is one, else from `directory`.
 * Throws `invalid_config` when the assets were never built or the manifest names a file that is not there.
 */
export async function loadAssets(
  directory = fileURLToPath(new URL('../../../dist/web', import.meta.url)),
): Promise<AssetCatalogue> {
  const files = (await readEmbedded()) ?? readDirectory(directory);
  const manifest = files.get(MANIFEST);
  if (manifest === undefined) throw notBuilt(`there is no ${MANIFEST} in ${directory}`);
  const names = parseManifest(new TextDecoder().decode(manifest));

  const assets = new Map<string, Asset>();
  for (const file of names.values()) {
    const bytes = files.get(file);
    if (bytes === undefined) throw notBuilt(`${file} is in the manifest, but not on disk`);
    assets.set(file, makeAsset(file, bytes, files.get(`${file}.gz`) ?? null));
  }
  return {
    url(name) {
      const file = names.get(name);
      if (file === undefined) throw new ApuraError('internal', `no web asset is called ${name}`);
      return `/assets/${file}`;
    },
    respond(request, file) {
      const asset = assets.get(file);
      return asset === undefined ? null : answer(request, asset);
    },
  };
}

function answer(request: Request, asset: Asset): Response {
  const packed = acceptsGzip(request) ? asset.gzip : null;
  const { bytes, etag, headers } = packed ?? asset.plain;
  if (holdsAlready(request, etag)) return new Response(null, { status: 304, headers });
  return new Response(request.method === 'HEAD' ? null : bytes, {
    headers: { ...headers, 'content-length': String(bytes.byteLength) },
  });
}

function makeAsset(
  file: string,
  bytes: Uint8Array<ArrayBuffer>,
  gzip: Uint8Array<ArrayBuffer> | null,
): Asset {
  const headers = {
    'content-type': MEDIA_TYPES[extname(file)] ?? 'application/octet-stream',
    'cache-control': IMMUTABLE,
    vary: 'accept-encoding',
    'x-content-type-options': 'nosniff',
  };
  // Two encodings are two representations, so each has an entity tag of its own.
  const represent = (body: Uint8Array<ArrayBuffer>, encoding: string | null): Representation => {
    const etag = encoding === null ? `"${file}"` : `"${file}+${encoding}"`;
    const coding = encoding === null ? {} : { 'content-encoding': encoding };
    return { bytes: body, etag, headers: { ...headers, ...coding, etag } };
  };
  return {
    plain: represent(bytes, null),
    gzip: gzip === null ? null : represent(gzip, 'gzip'),
  };
}

/** The files inside a compiled executable, or null in a checkout. */
async function readEmbedded(): Promise<Map<string, Uint8Array<ArrayBuffer>> | null> {
  const files = new Map<string, Uint8Array<ArrayBuffer>>();
  for (const blob of Bun.embeddedFiles) {
    if (!('name' in blob) || typeof blob.name !== 'string' || !blob.name.startsWith('web/'))
      continue;
    files.set(blob.name.slice('web/'.length), new Uint8Array(await blob.arrayBuffer()));
  }
  return files.size === 0 ? null : files;
}

function readDirectory(directory: string): Map<string, Uint8Array<ArrayBuffer>> {
  if (!existsSync(directory)) throw notBuilt(`there is no folder ${directory}`);
  return new Map(
    readdirSync(directory).map((name) => [
      name,
      new Uint8Array(readFileSync(join(directory, name))),
    ]),
  );
}

function parseManifest(text: string): Map<string, string> {
  const manifest: unknown = JSON.parse(text);
  const entries = typeof manifest === 'object' && manifest !== null ? Object.entries(manifest) : [];
  return new Map(
    entries.filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

function notBuilt(detail: string): ApuraError {
  return new ApuraError(
    'invalid_config',
    `The web assets are not built: ${detail}. Run \`make setup\` in the checkout.`,
  );
}
