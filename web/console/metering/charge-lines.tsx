/** Lines of a bill, each spelt out step by step, from the amount that was metered to the money. */
import { textOf, useConsole } from '../console-context.ts';
import { Amount, Moment } from './amounts.tsx';
import { compareDecimals, decimalShown } from './decimal-text.ts';
import type { MeteringMessages } from './messages-pt-br.ts';
import type { Charge, ChargeStep, Span } from './metering.ts';

interface ChargeLinesProps {
  readonly charges: readonly Charge[];
  /** A line that does not fill it says from when to when it goes. Null: of an estimate. */
  readonly period: Span | null;
  readonly timeZone: string;
}

export function ChargeLines({ charges, period, timeZone }: ChargeLinesProps) {
  const { m, f } = useConsole();
  const w = m.metering;
  return (
    <ul class="lines">
      {charges.map((charge) => (
        <li key={charge.id} class="line">
          <div class="line-head">
            <strong>{charge.sku}</strong>
            {charge.kind === 'adjustment' && <span class="mark mark-closing">{w.adjustment}</span>}
            <span class="line-amount">
              <Amount text={charge.rounded} unit={charge.currency} />
            </span>
          </div>
          <p class="facts">
            <span>
              <Amount text={charge.quantity} unit={charge.unit} />
            </span>
            {/* Nobody has sent what is only estimated. */}
            {period !== null && <span>{w.ofPulses(f.integer(charge.pulses))}</span>}
            {period !== null && (charge.from !== period.from || charge.to !== period.to) && (
              <span>
                <Moment at={charge.from} timeZone={timeZone} isDay />
                {' – '}
                <Moment at={charge.to} timeZone={timeZone} isDay />
              </span>
            )}
            {charge.adjusts !== null && (
              <span>
                {w.adjusts} <Moment at={charge.adjusts.from} timeZone={timeZone} isDay />
                {' – '}
                <Moment at={charge.adjusts.to} timeZone={timeZone} isDay />
              </span>
            )}
          </p>
          <Steps charge={charge} />
        </li>
      ))}
    </ul>
  );
}

/** The steps of one line; the last row is the sum, exact and as it is charged. */
function Steps({ charge }: { readonly charge: Charge }) {
  const { m, lang } = useConsole();
  const w = m.metering;
  const { steps, precise, rounded, currency } = charge;
  if (steps.length === 0) return null;
  return (
    <table class="steps-table">
      <caption class="sr-only">
        {w.stepsOf} {charge.sku}
      </caption>
      <tbody>
        {steps.map((step, i) => (
          <tr key={i}>
            <th scope="row">{stepName(step, w)}</th>
            <td class="num">{stepFactors(step, lang)}</td>
            <td class="num">
              {step.kind === 'conversion' || step.kind === 'free_units' ? (
                ''
              ) : (
                <Amount text={step.amount} />
              )}
            </td>
          </tr>
        ))}
        {compareDecimals(precise, rounded) !== 0 && (
          <tr class="step-sum">
            <th scope="row">{w.exact}</th>
            <td />
            <td class="num">
              <Amount text={precise} />
            </td>
          </tr>
        )}
        <tr class="step-sum">
          <th scope="row">{w.charged}</th>
          <td />
          <td class="num">
            <Amount text={rounded} unit={currency} />
          </td>
        </tr>
      </tbody>
    </table>
  );
}

function stepName({ kind, tier }: ChargeStep, w: MeteringMessages): string {
  const name = textOf(w.stepName, kind) ?? kind;
  return tier === null ? name : `${name} ${tier}`;
}

function stepFactors({ quantity, unitPrice }: ChargeStep, lang: string): string {
  if (quantity === null) return '';
  const amount = decimalShown(quantity, lang);
  return unitPrice === null ? amount : `${amount} × ${decimalShown(unitPrice, lang)}`;
}
