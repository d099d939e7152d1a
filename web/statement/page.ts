/** The statement as a page for the printer: every line with its steps, nothing that needs a script. */
import { type Html, html } from '../vote/html.ts';
import type { StatementLanguage, StatementMessages } from './messages.ts';
import { EN } from './messages-en.ts';
import { ES } from './messages-es.ts';
import { PT_BR } from './messages-pt-br.ts';
import type {
  Statement,
  StatementLine,
  StatementPeriod,
  StatementStep,
  StatementTotal,
} from './statement.ts';
import { type StatementFormat, statementFormat } from './statement-format.ts';

const MESSAGES: Readonly<Record<StatementLanguage, StatementMessages>> = {
  'pt-BR': PT_BR,
  en: EN,
  es: ES,
};

export interface StatementPage {
  readonly language: StatementLanguage;
  /** Addresses of the style sheet and the icon. */
  readonly assets: { readonly style: string; readonly icon: string };
  readonly statement: Statement;
}

/** The whole document. It holds no script and no inline style, and asks no other host for anything. */
export function renderStatementPage({ language, assets, statement }: StatementPage): string {
  const m = MESSAGES[language];
  const f = statementFormat(language);
  const zone = zoneOf(statement);
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${statement.tenant} · ${m.statement}</title>
<link rel="stylesheet" href="${assets.style}">
<link rel="icon" href="${assets.icon}">
</head>
<body>
<main>
${head(statement, m, f)}
${statement.periods.map((period, index) => periodSection(period, index, m, f))}
${totalSection(statement, m, f)}
${unpricedSection(statement, m, f)}
</main>
<footer><p>Apura · ${m.generated(f.instant(statement.generatedAt, zone))}</p></footer>
</body>
</html>
`.toString();
}

/** That of the contract; of several contracts that of the last one. */
function zoneOf({ periods }: Statement): string {
  return periods.at(-1)?.timeZone ?? 'UTC';
}

function head(statement: Statement, m: StatementMessages, f: StatementFormat): Html {
  const zone = zoneOf(statement);
  return html`<header>
<p class="kind">${m.statement}</p>
<h1>${statement.tenant}</h1>
<p class="standing" data-final="${String(statement.final)}"><strong>${statement.final ? m.final : m.preliminary}</strong> ${statement.final ? m.finalNote : m.preliminaryNote}</p>
<dl>${facts([
    [m.tenant, statement.tenant],
    [m.period, f.span(statement, zone)],
    [m.zone, zone],
  ])}</dl>
</header>`;
}

function facts(of: readonly (readonly [name: string, value: string])[]): readonly Html[] {
  return of.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`);
}

function periodSection(
  period: StatementPeriod,
  index: number,
  m: StatementMessages,
  f: StatementFormat,
): Html {
  const id = `period-${index}`;
  return html`<section aria-labelledby="${id}" tabindex="0">
<h2 id="${id}">${m.period} ${f.span(period, period.timeZone)}</h2>
<dl>${facts([
    [m.contract, period.contract],
    [m.state, m.states[period.state]],
    [m.zone, period.timeZone],
  ])}</dl>
${period.lines.length === 0 ? html`<p>${m.noLines}</p>` : linesTable(period, m, f)}
</section>`;
}

function linesTable(period: StatementPeriod, m: StatementMessages, f: StatementFormat): Html {
  return html`<table>
<thead><tr><th scope="col">${m.product}</th><th scope="col" class="number">${m.quantity}</th><th scope="col" class="number">${m.amount}</th></tr></thead>
<tbody>${period.lines.map((line) => lineRows(line, period, m, f))}</tbody>
<tfoot>${totalRows(period.totals, 2, m, f)}</tfoot>
</table>`;
}

function lineRows(
  line: StatementLine,
  period: StatementPeriod,
  m: StatementMessages,
  f: StatementFormat,
): Html {
  const { adjusts } = line;
  const { timeZone } = period;
  const isWhole = line.from === period.from && line.to === period.to;
  const part = !isWhole && html`<small>${f.span(line, timeZone)}</small>`;
  const adjusted =
    adjusts !== null && html`<small>${m.adjustmentOf(f.span(adjusts, timeZone))}</small>`;
  return html`<tr class="leader"><th scope="row">${line.sku}${part}${adjusted}</th><td class="number">${f.decimal(line.quantity)} ${line.unit}</td><td class="number">${f.money(line.rounded, line.currency)}</td></tr>
${line.steps.map((step) => stepRow(step, m, f))}`;
}

function stepRow(step: StatementStep, m: StatementMessages, f: StatementFormat): Html {
  return html`<tr class="part"><th scope="row" colspan="2">${stepWords(step, m, f)}</th><td class="number">${f.decimal(step.amount)}</td></tr>
`;
}

function stepWords(
  { kind, tier, quantity, unitPrice }: StatementStep,
  m: StatementMessages,
  f: StatementFormat,
): string {
  const name = m.steps[kind] ?? kind;
  const numbered = tier === null ? name : `${name} ${tier}`;
  if (quantity === null) return numbered;
  const price = unitPrice === null ? '' : ` × ${f.decimal(unitPrice)}`;
  return `${numbered}: ${f.decimal(quantity)}${price}`;
}

/** Over all periods: that of a single one stands at the foot of its lines. */
function totalSection(
  statement: Statement,
  m: StatementMessages,
  f: StatementFormat,
): Html | false {
  if (statement.periods.length === 1) return false;
  return html`<section aria-labelledby="total">
<h2 id="total">${m.total}</h2>
${statement.totals.length === 0 ? html`<p>${m.noLines}</p>` : html`<table class="narrow"><tbody>${totalRows(statement.totals, 1, m, f)}</tbody></table>`}
</section>`;
}

function totalRows(
  totals: readonly StatementTotal[],
  columns: number,
  m: StatementMessages,
  f: StatementFormat,
): readonly Html[] {
  return totals.map(
    ({ currency, amount }) =>
      html`<tr class="leader"><th scope="row" colspan="${columns}">${m.total}</th><td class="number">${f.money(amount, currency)}</td></tr>`,
  );
}

function unpricedSection(
  statement: Statement,
  m: StatementMessages,
  f: StatementFormat,
): Html | false {
  if (statement.unpriced.length === 0) return false;
  const zone = zoneOf(statement);
  return html`<section aria-labelledby="unpriced" tabindex="0">
<h2 id="unpriced">${m.unpriced}</h2>
<p>${m.unpricedNote}</p>
<table>
<thead><tr><th scope="col">${m.product}</th><th scope="col" class="number">${m.quantity}</th><th scope="col">${m.reason}</th></tr></thead>
<tbody>${statement.unpriced.map(
    (usage) =>
      html`<tr><th scope="row">${usage.sku}<small>${f.span(usage, zone)}</small></th><td class="number">${f.decimal(usage.quantity)} ${usage.unit}</td><td>${m.reasons[usage.reason]}</td></tr>`,
  )}</tbody>
</table>
</section>`;
}
