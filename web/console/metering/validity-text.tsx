/** From when to when something holds, in words, and whether it does now. */
import { useConsole } from '../console-context.ts';
import { Moment } from './amounts.tsx';
import { validityState } from './contract-validity.ts';
import type { Validity } from './entries.ts';

interface ValidityTextProps {
  readonly validity: Validity;
  readonly timeZone: string;
}

export function ValidityText({ validity, timeZone }: ValidityTextProps) {
  const { m } = useConsole();
  const w = m.metering;
  return (
    <span class="validity">
      <Moment at={validity.validFrom} timeZone={timeZone} isDay />
      {' – '}
      {validity.validTo === null ? (
        w.openEnd
      ) : (
        <Moment at={validity.validTo} timeZone={timeZone} isDay />
      )}
    </span>
  );
}

export function ValidityMark({ validity }: { readonly validity: Validity }) {
  const { m } = useConsole();
  const state = validityState(validity, Date.now());
  return <span class={`mark mark-${state}`}>{m.metering.validityState[state]}</span>;
}
