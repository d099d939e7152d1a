/**
 * Doors of pulses without a log behind them: callers with keys, and a door that judges as the real one
 * does, keeps what it takes in memory, and can be told what to say.
 */
import {
  MemoryMeteringCatalogue,
  MemoryMeteringStore,
} from '../../src/adapters/memory/metering-catalogue.ts';
import { ApiKeys, apiKeyText } from '../../src/application/metering/api-keys.ts';
import { CatalogueView } from '../../src/application/metering/catalogue-view.ts';
import type {
  IngestOutcome,
  PulseCaller,
  PulseDoor,
} from '../../src/application/metering/pulse-door.ts';
import { type CallersTenant, callersTenant } from '../../src/domain/metering/callers-tenant.ts';
import { decodeEntry, encodeEntry } from '../../src/domain/metering/catalogue-codec.ts';
import type { ApiKey } from '../../src/domain/metering/contract.ts';
import { PulseScan } from '../../src/domain/metering/pulse-scan.ts';
import { ACCEPTED, rejectionOf } from '../../src/domain/metering/pulse-verdict.ts';
import { PulseIngest } from '../../src/edge/http/pulse-ingest.ts';
import { matchesSha256, newKeySecret, secretSha256 } from '../../src/edge/http/pulse-key-secret.ts';
import type { Clock } from '../../src/ports/clock.ts';
import { contractPulse, readPulse, timeAt, writeRequest } from './pulse-messages.ts';

export const OPERATOR_TOKEN = 'the-operators-own-token';

/** Judges by the domain's scan; takes at once, unless told otherwise. */
export class ScannedDoor implements Pick<PulseDoor, 'ingest'> {
  /** Messages that were taken, in order. */
  readonly taken: Uint8Array[] = [];
  readonly callers: PulseCaller[] = [];
  /** Requests that wait for an answer now, and the most that ever did. */
  underWay = 0;
  underWayMost = 0;
  /** Every request waits for it. */
  gate: Promise<void> = Promise.resolve();
  /** Said in place of what is true; nothing is taken. */
  says: IngestOutcome | null = null;
  readonly #clock: Clock;
  readonly #scan = new PulseScan(4);

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  get ids(): readonly string[] {
    return this.taken.map((bytes) => readPulse(bytes).id);
  }

  async ingest(request: Uint8Array, caller: PulseCaller): Promise<IngestOutcome> {
    this.callers.push(caller);
    this.underWay += 1;
    this.underWayMost = Math.max(this.underWayMost, this.underWay);
    await this.gate;
    this.underWay -= 1;
    return this.says ?? this.#judge(request, caller);
  }

  #judge(request: Uint8Array, { tenant, canBackfill }: PulseCaller): IngestOutcome {
    const scan = this.#scan;
    const known: CallersTenant | null = tenant === null ? null : callersTenant(tenant);
    const outcome = scan.scan(request, { tenant: known, canBackfill }, this.#clock.now());
    if (outcome !== 'scanned') return { kind: outcome };
    const rejections = [];
    for (let index = 0; index < scan.count; index += 1) {
      const verdict = scan.verdict[index] as number;
      if (verdict !== ACCEPTED) rejections.push({ index, code: rejectionOf(verdict) });
      else this.taken.push(request.slice(scan.start[index], scan.end[index]));
    }
    return { kind: 'taken', count: scan.count, rejections };
  }
}

const REAL_CLOCK: Clock = { now: () => Date.now(), monotonic: () => performance.now() };

export class PulseDoorRoom {
  readonly clock: Clock;
  readonly door: ScannedDoor;
  readonly catalogue = new MemoryMeteringCatalogue(new MemoryMeteringStore());
  readonly view: CatalogueView;
  readonly keys: ApiKeys;
  readonly pulses: PulseIngest;
  /** Wrong operator tokens, and where they came from. */
  readonly wrong: string[] = [];
  blockedForMs = 0;
  /** Why the doors take nothing now. */
  trouble: string | null = null;

  constructor(clock: Clock = REAL_CLOCK) {
    this.clock = clock;
    this.door = new ScannedDoor(clock);
    this.view = new CatalogueView({ catalogue: this.catalogue, clock, decode: decodeEntry });
    this.keys = new ApiKeys({
      view: this.view,
      clock,
      matchesSha256,
      tryOperatorToken: (token, address) => {
        if (this.blockedForMs > 0) return { kind: 'blocked', forMs: this.blockedForMs };
        if (token === OPERATOR_TOKEN) return { kind: 'right' };
        this.wrong.push(address);
        return { kind: 'wrong' };
      },
    });
    this.pulses = new PulseIngest({
      door: this.door,
      keys: this.keys,
      trouble: () => this.trouble,
    });
  }

  /** Makes a key of the tenant and returns it as its holder writes it. */
  async key(tenant: string, fields: Partial<ApiKey> = {}): Promise<string> {
    const secret = newKeySecret();
    const id = fields.id ?? `k${this.view.all('api_key').length}`;
    await this.put({
      ...{ id, tenant, name: 'test', scopes: ['ingest'], secretSha256: secretSha256(secret) },
      ...{ createdAt: 0, expiresAt: null, revokedAt: null, version: 1, ...fields },
    });
    return apiKeyText(id, secret);
  }

  async put(key: ApiKey): Promise<void> {
    const { id, tenant, version } = key;
    await this.catalogue.put({
      ...{ kind: 'api_key', id, tenant, expectedVersion: version - 1, expectedRevision: null },
      body: encodeEntry('api_key', key),
      act: {
        ...{ at: 0, actor: 'operator', act: 'create', kind: 'api_key', id, tenant, detail: null },
      },
    });
    await this.view.refresh();
  }

  /** The bytes of an IngestRequest of pulses that every door takes, with these ids, of `acme`. */
  batch(ids: readonly string[], fields: Parameters<typeof contractPulse>[0] = {}): Uint8Array {
    const occurredAt = timeAt(this.clock.now() - 1000);
    return writeRequest(ids.map((id) => contractPulse({ occurredAt, ...fields, id })));
  }
}
