/** Amounts, money and times as the metering pages show them: every digit that is there, and always a unit. */
import { useConsole } from '../console-context.ts';
import { decimalShown, signedShown } from './decimal-text.ts';
import type { Money } from './metering.ts';

interface AmountProps {
  readonly text: string;
  readonly unit?: string;
  /** With a plus where it is above 0: a difference. */
  readonly isSigned?: boolean;
}

export function Amount({ text, unit = '', isSigned = false }: AmountProps) {
  const { lang } = useConsole();
  return (
    <span class="amount">
      {isSigned ? signedShown(text, lang) : decimalShown(text, lang)}
      {unit !== '' && <span class="unit"> {unit}</span>}
    </span>
  );
}

export function Totals({ totals }: { readonly totals: readonly Money[] }) {
  if (totals.length === 0) return <span class="none">–</span>;
  return (
    <>
      {totals.map(({ currency, amount }) => (
        <strong key={currency} class="total">
          <Amount text={amount} unit={currency} />
        </strong>
      ))}
    </>
  );
}

interface MomentProps {
  /** RFC 3339. */
  readonly at: string;
  readonly timeZone: string;
  /** Only the day: for bounds that mostly lie on midnight. */
  readonly isDay?: boolean;
}

/** A time on the clocks of a zone; the exact one is in its title. */
export function Moment({ at, timeZone, isDay = false }: MomentProps) {
  const { lang } = useConsole();
  return (
    <time dateTime={at} title={`${at} · ${timeZone}`}>
      {momentText(at, timeZone, lang, isDay)}
    </time>
  );
}

/** `21/11/2026, 20:30`; midnight without its clock where a day is meant. */
export function momentText(at: string, timeZone: string, lang: string, isDay: boolean): string {
  const ms = Date.parse(at);
  const day = formatOf(lang, timeZone, false).format(ms);
  const whole = formatOf(lang, timeZone, true).format(ms);
  return isDay && /\b00:00$/.test(whole) ? day : whole;
}

const FORMATS = new Map<string, Intl.DateTimeFormat>();

function formatOf(lang: string, timeZone: string, hasClock: boolean): Intl.DateTimeFormat {
  const key = `${lang} ${timeZone} ${hasClock}`;
  const known = FORMATS.get(key);
  if (known !== undefined) return known;
  const made = new Intl.DateTimeFormat(lang, {
    day: '2-digit',
    month: '2-digit',
    year: 'numeric',
    ...(hasClock
      ? { hour: '2-digit' as const, minute: '2-digit' as const, hourCycle: 'h23' as const }
      : {}),
    timeZone,
  });
  FORMATS.set(key, made);
  return made;
}
