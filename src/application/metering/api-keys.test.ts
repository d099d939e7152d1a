import { describe, expect, test } from 'bun:test';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { ApiKey } from '../../domain/metering/contract.ts';
import { ApiKeys, apiKeyText, KEYS_STALE_MS_MAX, mayUse } from './api-keys.ts';

const SECRET = 'abcdefghijklmnopqrstuvwxyz_-0123456789ABCDE';
const NOW = Date.UTC(2026, 9, 24, 12);

const KEY: ApiKey = {
  id: 'k7d2',
  tenant: 'acme',
  name: 'gateway',
  scopes: ['ingest'],
  secretSha256: `sha of ${SECRET}`,
  createdAt: NOW - 1000,
  expiresAt: null,
  revokedAt: null,
  version: 1,
};

class Room {
  readonly clock = new ManualClock(NOW);
  readonly keys = new Map<string, ApiKey>([[KEY.id, KEY]]);
  readonly compared: (readonly [string, string])[] = [];
  readonly tried: (readonly [string, string])[] = [];
  ageMs = 0;
  readonly apiKeys: ApiKeys;

  constructor() {
    const get = (_kind: string, id: string) => this.keys.get(id) ?? null;
    this.apiKeys = new ApiKeys({
      clock: this.clock,
      view: Object.defineProperty({ get: get as never, ageMs: 0 }, 'ageMs', {
        get: () => this.ageMs,
      }),
      matchesSha256: (secret, sha256) => {
        this.compared.push([secret, sha256]);
        return sha256 === `sha of ${secret}`;
      },
      tryOperatorToken: (token, address) => {
        this.tried.push([token, address]);
        if (address === 'blocked') return { kind: 'blocked', forMs: 500 };
        return { kind: token === 'operator' ? 'right' : 'wrong' };
      },
    });
  }

  identify(bearer: string | null) {
    return this.apiKeys.identify(bearer, '192.0.2.1');
  }
}

const unauthorized = (why: string) => ({ kind: 'unauthorized', why });

describe('the operator', () => {
  test('is known by the token, and may do everything for everybody', () => {
    const identified = new Room().identify('operator');
    expect(identified).toEqual({ kind: 'caller', caller: { key: null } });
    expect(mayUse({ key: null }, 'backfill')).toBe(true);
  });

  test('is not who has another token, and wrong ones are counted by where they come from', () => {
    const room = new Room();
    expect(room.identify('wrong')).toEqual(unauthorized('unknown') as never);
    expect(room.tried).toEqual([['wrong', '192.0.2.1']]);
    const blocked = room.apiKeys.identify('operator', 'blocked');
    expect(blocked).toEqual({ kind: 'blocked', forMs: 500 });
  });

  test('goes on while the catalogue is away', () => {
    const room = new Room();
    room.ageMs = Number.POSITIVE_INFINITY;
    expect(room.identify('operator').kind).toBe('caller');
    expect(room.apiKeys.stillHolds({ key: null })).toBe(true);
  });
});

describe('a key', () => {
  const text = apiKeyText(KEY.id, SECRET);

  test('opens its tenant, for what its scopes say', () => {
    expect(text).toBe(`apura_k7d2_${SECRET}`);
    expect(new Room().identify(text)).toEqual({ kind: 'caller', caller: { key: KEY } });
    expect(mayUse({ key: KEY }, 'ingest')).toBe(true);
    expect(mayUse({ key: KEY }, 'read')).toBe(false);
    expect(mayUse({ key: KEY }, 'backfill')).toBe(false);
  });

  test('with another secret, of nobody, or misshapen opens nothing, and a secret is compared each time', () => {
    const room = new Room();
    const wrong = [
      apiKeyText(KEY.id, `X${SECRET.slice(1)}`),
      apiKeyText(KEY.id, SECRET.slice(1)),
      `${text}x`,
      'apura_',
    ];
    for (const bearer of wrong) {
      expect(room.identify(bearer)).toEqual(unauthorized('unknown') as never);
    }
    const unheard = apiKeyText('nobody', SECRET);
    expect(room.identify(unheard)).toEqual(unauthorized('unheard') as never);
    expect(room.compared.length).toBe(wrong.length + 1);
    expect(room.tried).toEqual([]);
    expect(room.identify(null)).toEqual(unauthorized('missing') as never);
  });

  test('opens nothing once it was revoked or has expired', () => {
    const room = new Room();
    room.keys.set(KEY.id, { ...KEY, revokedAt: NOW });
    expect(room.identify(text)).toEqual(unauthorized('revoked') as never);
    room.keys.set(KEY.id, { ...KEY, expiresAt: NOW + 1 });
    expect(room.identify(text).kind).toBe('caller');
    room.clock.advance(1);
    expect(room.identify(text)).toEqual(unauthorized('expired') as never);
  });

  test('says that it was revoked to nobody but its holder', () => {
    const room = new Room();
    room.keys.set(KEY.id, { ...KEY, revokedAt: NOW });
    const guess = apiKeyText(KEY.id, 'A'.repeat(43));
    expect(room.identify(guess)).toEqual(unauthorized('unknown') as never);
  });

  test('goes on while the catalogue is away, for a bounded time', () => {
    const room = new Room();
    room.ageMs = KEYS_STALE_MS_MAX;
    expect(room.identify(text).kind).toBe('caller');
    expect(room.apiKeys.stillHolds({ key: KEY })).toBe(true);
    room.ageMs = KEYS_STALE_MS_MAX + 1;
    expect(room.identify(text).kind).toBe('stale');
    expect(room.identify(apiKeyText('nobody', SECRET)).kind).toBe('stale');
    expect(room.apiKeys.stillHolds({ key: KEY })).toBe(false);
  });

  test('ends what it has opened when it is revoked, expires, is gone or has another secret', () => {
    const room = new Room();
    const caller = { key: KEY };
    expect(room.apiKeys.stillHolds(caller)).toBe(true);
    room.keys.set(KEY.id, { ...KEY, name: 'renamed', version: 2 });
    expect(room.apiKeys.stillHolds(caller)).toBe(true);
    for (const change of [{ revokedAt: NOW }, { expiresAt: NOW }, { secretSha256: 'another' }]) {
      room.keys.set(KEY.id, { ...KEY, ...change });
      expect(room.apiKeys.stillHolds(caller)).toBe(false);
    }
    room.keys.clear();
    expect(room.apiKeys.stillHolds(caller)).toBe(false);
  });
});
