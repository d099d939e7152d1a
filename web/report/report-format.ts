/** Writes a report's times and figures as its readers write them. */

export interface ReportFormat {
  /** With seconds and the zone's distance from UTC: no reader has to guess which clock. */
  instant(time: string): string;
  minute(time: string): string;
  /** Date and hours of a window on the zone's clocks. */
  window(window: { readonly from: string; readonly to: string }): string;
  count(value: number): string;
  /** 0 to 1 as a percentage with two places. */
  share(value: number): string;
}

/** `hours` are the windows that will be written: where clocks are moved among them, each tells its distance from UTC. */
export function reportFormat(
  language: string,
  timeZone: string,
  hours: readonly { readonly from: string }[],
): ReportFormat {
  const of = (options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(language, { timeZone, hourCycle: 'h23', ...options });
  const day = { year: 'numeric', month: '2-digit', day: '2-digit' } as const;
  const time = { hour: '2-digit', minute: '2-digit' } as const;
  const instants = of({ ...day, ...time, second: '2-digit', timeZoneName: 'longOffset' });
  const minutes = of({ ...day, ...time });
  const clock = of(time);
  const offsets = of({ timeZoneName: 'shortOffset' });
  const offsetOf = (at: Date): string =>
    offsets.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
  const isMoved = new Set(hours.map(({ from }) => offsetOf(new Date(from)))).size > 1;
  const counts = new Intl.NumberFormat(language);
  const shares = new Intl.NumberFormat(language, {
    style: 'percent',
    minimumFractionDigits: 2,
    maximumFractionDigits: 2,
  });
  return {
    instant: (text) => unbroken(instants.format(new Date(text))),
    minute: (text) => minutes.format(new Date(text)),
    window: ({ from, to }) => {
      const start = new Date(from);
      const told = `${minutes.format(start)}–${clock.format(new Date(to))}`;
      return isMoved ? unbroken(`${told} ${offsetOf(start)}`) : told;
    },
    count: (value) => counts.format(value),
    share: (value) => shares.format(value),
  };
}

/** `GMT-03:00` as `UTC−03:00`: said as everywhere else, with a minus at which no line is broken. */
function unbroken(text: string): string {
  return text.replace(/GMT-/, 'UTC\u2212').replace(/GMT/, 'UTC');
}
