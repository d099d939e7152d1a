/** Makes and revokes the API keys of tenants. A key's secret is shown once and kept nowhere. */
import { encodeEntry } from '../../domain/metering/catalogue-codec.ts';
import type { ApiKey } from '../../domain/metering/contract.ts';
import { readApiKeyBody } from '../../domain/metering/contract-fields.ts';
import { apiKeyText } from './api-keys.ts';
import type { Refused } from './entry-rules.ts';
import { ATTEMPTS_MAX, type EntryDeps } from './put-entry.ts';

export interface ApiKeyDeps extends EntryDeps {
  /** 256 random bits as base64url. */
  readonly newSecret: () => string;
  /** 64 hex digits, of the secret's text. */
  readonly secretSha256: (secret: string) => string;
}

/** A key as it is shown: without the digest of its secret. */
export type ShownApiKey = Omit<ApiKey, 'secretSha256'>;

/** @throws as MeteringCatalogue: the key may be stored, and nobody knows its secret; make another. */
export async function createApiKey(
  { catalogue, clock, newId, newSecret, secretSha256 }: ApiKeyDeps,
  { body, actor }: { readonly body: unknown; readonly actor: string },
): Promise<
  { readonly kind: 'ok'; readonly entry: ShownApiKey; readonly secret: string } | Refused
> {
  const now = clock.now();
  const read = readApiKeyBody(body, now);
  if (read.kind === 'invalid') return read;
  const secret = newSecret();
  const key: ApiKey = {
    ...read.value,
    id: newId(),
    secretSha256: secretSha256(secret),
    createdAt: now,
    revokedAt: null,
    version: 1,
  };
  const stored = await put(catalogue, key, { actor, act: 'create', at: now });
  if (stored === 'conflict') return { kind: 'version_conflict', version: 1 };
  return { kind: 'ok', entry: shownApiKey(key), secret: apiKeyText(key.id, secret) };
}

/** Revoking a key that was revoked before changes nothing. @throws as MeteringCatalogue. */
export async function revokeApiKey(
  { catalogue, view, clock }: EntryDeps,
  { id, actor }: { readonly id: string; readonly actor: string },
): Promise<{ readonly kind: 'ok'; readonly entry: ShownApiKey } | Refused> {
  let version = 0;
  for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
    await view.refresh();
    const key = view.get('api_key', id);
    if (key === null) return { kind: 'not_found' };
    if (key.revokedAt !== null) return { kind: 'ok', entry: shownApiKey(key) };
    version = key.version;
    const now = clock.now();
    const revoked = { ...key, revokedAt: now, version: version + 1 };
    const stored = await put(catalogue, revoked, { actor, act: 'revoke', at: now });
    if (stored === 'stored') return { kind: 'ok', entry: shownApiKey(revoked) };
  }
  return { kind: 'version_conflict', version };
}

export function shownApiKey({ secretSha256: _, ...shown }: ApiKey): ShownApiKey {
  return shown;
}

function put(
  catalogue: EntryDeps['catalogue'],
  key: ApiKey,
  { actor, act, at }: { readonly actor: string; readonly act: string; readonly at: number },
): Promise<'stored' | 'conflict'> {
  const { id, tenant, name: detail, version } = key;
  const kind = 'api_key';
  return catalogue.put({
    kind,
    id,
    tenant,
    expectedVersion: version - 1,
    expectedRevision: null,
    body: encodeEntry(kind, key),
    act: { at, actor, act, kind, id, tenant, detail },
  });
}
