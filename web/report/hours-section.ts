/** The option by hour table, cut into parts that fit the width of the paper. */
import { type Html, html } from '../vote/html.ts';
import type { ReportMessages } from './messages.ts';
import type { Report, ReportOption } from './report.ts';
import type { ReportFormat } from './report-format.ts';

/** Columns of figures beside the hour and the total that A4 upright holds at nine digits each. */
const OPTIONS_A_TABLE_MAX = 5;

export function hoursSection(report: Report, m: ReportMessages, f: ReportFormat): Html {
  if (report.hours.length === 0) {
    return html`<section aria-labelledby="hours"><h2 id="hours">${m.byHour}</h2><p>${m.noHours}</p></section>`;
  }
  const parts = inParts(report.options, OPTIONS_A_TABLE_MAX);
  return html`<section aria-labelledby="hours" tabindex="0">
<h2 id="hours">${m.byHour}</h2>
${parts.map((options, index) => {
  const part = parts.length > 1 && ` · ${m.part(f.count(index + 1), f.count(parts.length))}`;
  return hoursTable(report, options, html`${report.timeZone}${part}`, m, f);
})}
</section>`;
}

function hoursTable(
  report: Report,
  options: readonly ReportOption[],
  caption: Html,
  m: ReportMessages,
  f: ReportFormat,
): Html {
  const number = (value: number): Html => html`<td class="number">${f.count(value)}</td>`;
  return html`<table class="hours">
<caption>${caption}</caption>
<thead><tr><th scope="col">${m.hour}</th>${options.map(({ name }) => html`<th scope="col" class="number">${name}</th>`)}<th scope="col" class="number">${m.total}</th></tr></thead>
<tbody>${report.hours.map(
    (
      hour,
    ) => html`<tr><th scope="row">${f.window(hour)}</th>${options.map(({ id }) => number(hour.options[id] ?? 0))}${number(hour.total)}</tr>
`,
  )}</tbody>
<tfoot><tr><th scope="row">${m.total}</th>${options.map(({ votes }) => number(votes))}${number(report.total)}</tr></tfoot>
</table>`;
}

function inParts<T>(items: readonly T[], lengthMax: number): readonly (readonly T[])[] {
  const parts: (readonly T[])[] = [];
  for (let at = 0; at < items.length; at += lengthMax) parts.push(items.slice(at, at + lengthMax));
  return parts;
}
