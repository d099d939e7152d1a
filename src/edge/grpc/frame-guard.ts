/**
 * Watches the frames that a client sends, before HTTP/2 sees them: what costs the server work and brings
 * it nothing is counted, and who sends too much of it is cut off. The runtime's HTTP/2 has no such limits.
 */

export interface FrameLimits {
  /** RST_STREAM: so many at once, and so many a second in the long run. Calls given up early are few. */
  readonly resetsBurst: number;
  readonly resetsPerSecond: number;
  /** PING beyond one for each call or message: some clients measure their way with those. */
  readonly pingsBurst: number;
  readonly pingsPerSecond: number;
  readonly settingsBurst: number;
  readonly settingsPerSecond: number;
  /** WINDOW_UPDATE, PRIORITY, unknown and empty frames beyond one for each call or message. */
  readonly idleFramesBurst: number;
  readonly idleFramesPerSecond: number;
  /** Of one call, packed. */
  readonly headerBytesMax: number;
}

/** Resets as nghttp2 takes them since "rapid reset" (CVE-2023-44487). */
export const FRAME_LIMITS: FrameLimits = {
  resetsBurst: 1_000,
  resetsPerSecond: 33,
  pingsBurst: 100,
  pingsPerSecond: 2,
  settingsBurst: 20,
  settingsPerSecond: 1,
  idleFramesBurst: 10_000,
  idleFramesPerSecond: 1_000,
  headerBytesMax: 32 * 1024,
};

export type Breach =
  | 'resets'
  | 'pings'
  | 'settings'
  | 'idle_frames'
  | 'header_bytes'
  | 'frame_bytes';

const PREFACE_BYTES = 24;
const HEAD_BYTES = 9;
/** What we allow by not saying otherwise (SETTINGS_MAX_FRAME_SIZE). */
const FRAME_BYTES_MAX = 16_384;

const DATA = 0;
const HEADERS = 1;
const RST_STREAM = 3;
const SETTINGS = 4;
const PING = 6;
const GOAWAY = 7;
const CONTINUATION = 9;
const ACK = 0x1;
const END_STREAM = 0x1;

/** Tokens that come back with time, and are earned by doing something useful. */
class Allowance {
  readonly #burst: number;
  readonly #perMs: number;
  #tokens: number;
  #at: number;

  constructor(burst: number, perSecond: number, now: number) {
    this.#burst = burst;
    this.#perMs = perSecond / 1000;
    this.#tokens = burst;
    this.#at = now;
  }

  earn(): void {
    if (this.#tokens < this.#burst) this.#tokens += 1;
  }

  spend(now: number): boolean {
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) * this.#perMs) - 1;
    this.#at = now;
    return this.#tokens >= 0;
  }
}

export class FrameGuard {
  readonly #limits: FrameLimits;
  readonly #monotonic: () => number;
  readonly #resets: Allowance;
  readonly #pings: Allowance;
  readonly #settings: Allowance;
  readonly #idle: Allowance;
  readonly #head = new Uint8Array(HEAD_BYTES);
  #headFilled = 0;
  /** Bytes that are passed over before the next frame's head. */
  #skip = PREFACE_BYTES;
  #headerBytes = 0;
  #frames = 0;

  /** `monotonic`: ms, as Clock.monotonic. */
  constructor(limits: FrameLimits, monotonic: () => number) {
    const now = monotonic();
    this.#limits = limits;
    this.#monotonic = monotonic;
    this.#resets = new Allowance(limits.resetsBurst, limits.resetsPerSecond, now);
    this.#pings = new Allowance(limits.pingsBurst, limits.pingsPerSecond, now);
    this.#settings = new Allowance(limits.settingsBurst, limits.settingsPerSecond, now);
    this.#idle = new Allowance(limits.idleFramesBurst, limits.idleFramesPerSecond, now);
  }

  /** Frames that have begun: 0 for a peer that has said nothing yet. */
  get frames(): number {
    return this.#frames;
  }

  /**
   * Takes the next bytes of the connection, cut anywhere; the first limit that they break, or null. After
   * a breach nothing more may be read.
   */
  read(bytes: Uint8Array): Breach | null {
    const total = bytes.length;
    let at = 0;
    for (;;) {
      const passed = Math.min(this.#skip, total - at);
      at += passed;
      this.#skip -= passed;
      while (this.#headFilled < HEAD_BYTES && at < total) {
        this.#head[this.#headFilled] = bytes[at] as number;
        this.#headFilled += 1;
        at += 1;
      }
      if (this.#headFilled < HEAD_BYTES) return null;
      this.#headFilled = 0;
      const breach = this.#frame();
      if (breach !== null) return breach;
    }
  }

  #frame(): Breach | null {
    const [high = 0, middle = 0, low = 0, type = 0, flags = 0] = this.#head;
    const length = high * 65_536 + middle * 256 + low;
    this.#frames += 1;
    this.#skip = length;
    if (length > FRAME_BYTES_MAX) return 'frame_bytes';
    switch (type) {
      case DATA:
        if (length > 0 || (flags & END_STREAM) !== 0) return this.#earn();
        return this.#spend(this.#idle, 'idle_frames');
      case HEADERS:
        this.#earn();
        return this.#header(0, length);
      case CONTINUATION:
        return this.#header(this.#headerBytes, length);
      case RST_STREAM:
        return this.#spend(this.#resets, 'resets');
      case SETTINGS:
        return (flags & ACK) === 0 ? this.#spend(this.#settings, 'settings') : null;
      case PING:
        return (flags & ACK) === 0 ? this.#spend(this.#pings, 'pings') : null;
      case GOAWAY:
        return null;
      default:
        return this.#spend(this.#idle, 'idle_frames');
    }
  }

  #header(before: number, length: number): Breach | null {
    this.#headerBytes = before + length;
    if (this.#headerBytes > this.#limits.headerBytesMax) return 'header_bytes';
    // Continuations are bounded in number too: an empty one adds nothing to the bytes.
    return length === 0 ? this.#spend(this.#idle, 'idle_frames') : null;
  }

  #earn(): null {
    this.#pings.earn();
    this.#idle.earn();
    return null;
  }

  #spend(allowance: Allowance, breach: Breach): Breach | null {
    return allowance.spend(this.#monotonic()) ? null : breach;
  }
}
