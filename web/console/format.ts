/** Numbers and times as an operator reads them: the locale's separators, and always a unit. */

/** A number and its unit apart, so that a tile can set them in different sizes. */
export interface Quantity {
  readonly value: string;
  readonly unit: string;
}

export interface Formats {
  integer(n: number): string;
  /** A rounded number for an axis: "12 mil", "1.2M". */
  compact(n: number): string;
  /** 0.3456 as "34,56%". */
  share(share: number): string;
  /** An axis label of a share: as few digits as the distance between two ticks needs. */
  shareTick(share: number, tickDistance: number): string;
  /** A difference of two shares in percentage points, signed: "+1,2". */
  points(difference: number): string;
  duration(ms: number): Quantity;
  /** How old something is, in whole units: "7 s", "3 min". */
  age(ms: number): string;
  bytes(bytes: number): string;
  cpu(percent: number): string;
  /** "20:31:05" in a time zone. */
  clock(ms: number, timeZone: string): string;
  /** "20:31" in a time zone. */
  shortClock(ms: number, timeZone: string): string;
  /** "21/11" in a time zone. */
  day(ms: number, timeZone: string): string;
  /** "21 de nov., 20:31" in a time zone. */
  moment(ms: number, timeZone: string): string;
  /** "1 d 02:03:04"; counts the second that has begun, so it reads zero only at the instant. */
  countdown(ms: number): string;
}

const DAY_S = 86_400;

export function createFormats(lang: string): Formats {
  const integer = new Intl.NumberFormat(lang, { maximumFractionDigits: 0 });
  const oneDigit = new Intl.NumberFormat(lang, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
  });
  const compact = new Intl.NumberFormat(lang, { notation: 'compact', maximumFractionDigits: 1 });
  const share = percentFormat(lang, 2);
  const shareTicks = [0, 1, 2, 3].map((digits) => percentFormat(lang, digits));
  const points = new Intl.NumberFormat(lang, {
    minimumFractionDigits: 1,
    maximumFractionDigits: 1,
    signDisplay: 'exceptZero',
  });
  const cpu = percentFormat(lang, 0);
  const dates = dateFormats(lang);

  return {
    integer: (n) => integer.format(n),
    compact: (n) => compact.format(n),
    share: (n) => share.format(n),
    shareTick: (n, distance) => {
      // Ticks 2.5 points apart need a digit that ticks 5 points apart do not.
      const digits = shareTicks.findIndex((_, i) => isWhole(distance * 100 * 10 ** i));
      return (shareTicks[digits] ?? share).format(n);
    },
    points: (n) => points.format(n * 100),
    duration: (ms) => {
      if (ms < 10) return { value: oneDigit.format(ms), unit: 'ms' };
      if (ms < 1_000) return { value: integer.format(ms), unit: 'ms' };
      if (ms < 60_000) return { value: oneDigit.format(ms / 1_000), unit: 's' };
      if (ms < 3_600_000) return { value: oneDigit.format(ms / 60_000), unit: 'min' };
      return { value: oneDigit.format(ms / 3_600_000), unit: 'h' };
    },
    age: (ms) => {
      const seconds = Math.max(0, Math.floor(ms / 1000));
      if (seconds < 60) return `${integer.format(seconds)} s`;
      if (seconds < 3_600) return `${integer.format(Math.floor(seconds / 60))} min`;
      return `${integer.format(Math.floor(seconds / 3_600))} h`;
    },
    bytes: (bytes) => {
      const mebibytes = bytes / 1_048_576;
      if (mebibytes < 1024) return `${integer.format(mebibytes)} MiB`;
      return `${oneDigit.format(mebibytes / 1024)} GiB`;
    },
    cpu: (percent) => cpu.format(percent / 100),
    clock: (ms, timeZone) => dates('clock', timeZone).format(ms),
    shortClock: (ms, timeZone) => dates('shortClock', timeZone).format(ms),
    day: (ms, timeZone) => dates('day', timeZone).format(ms),
    moment: (ms, timeZone) => dates('moment', timeZone).format(ms),
    countdown: (ms) => {
      const total = Math.max(0, Math.ceil(ms / 1000));
      const days = Math.floor(total / DAY_S);
      const clock = [
        Math.floor((total % DAY_S) / 3600),
        Math.floor((total % 3600) / 60),
        total % 60,
      ]
        .map((part) => String(part).padStart(2, '0'))
        .join(':');
      return days > 0 ? `${integer.format(days)} d ${clock}` : clock;
    },
  };
}

function isWhole(n: number): boolean {
  return Math.abs(n - Math.round(n)) < 1e-6;
}

function percentFormat(lang: string, digits: number): Intl.NumberFormat {
  return new Intl.NumberFormat(lang, {
    style: 'percent',
    minimumFractionDigits: digits,
    maximumFractionDigits: digits,
  });
}

const DATE_STYLES = {
  clock: { hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23' },
  shortClock: { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
  day: { day: '2-digit', month: '2-digit' },
  moment: { day: 'numeric', month: 'short', hour: '2-digit', minute: '2-digit', hourCycle: 'h23' },
} as const satisfies Record<string, Intl.DateTimeFormatOptions>;

/** Making an Intl.DateTimeFormat costs far more than using it: one is kept per style and zone. */
function dateFormats(lang: string) {
  const made = new Map<string, Intl.DateTimeFormat>();
  return (style: keyof typeof DATE_STYLES, timeZone: string): Intl.DateTimeFormat => {
    const key = `${style} ${timeZone}`;
    const known = made.get(key);
    if (known !== undefined) return known;
    const format = new Intl.DateTimeFormat(lang, { ...DATE_STYLES[style], timeZone });
    made.set(key, format);
    return format;
  };
}
