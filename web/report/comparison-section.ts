/** Polls side by side: their results, and how their votes came in by hours since each one's opening. */
import { type Html, html } from '../vote/html.ts';
import type { ReportMessages } from './messages.ts';
import type { ComparedPoll, Report } from './report.ts';
import type { ReportFormat } from './report-format.ts';

export function comparisonSection(
  { comparison }: Report,
  m: ReportMessages,
  f: ReportFormat,
): Html | null {
  if (comparison === null) return null;
  const titles = comparison.map(({ title }) => html`<th scope="col" class="number">${title}</th>`);
  const hoursMax = Math.max(...comparison.map(({ hours }) => hours.length));
  return html`<section aria-labelledby="comparison" tabindex="0">
<h2 id="comparison">${m.comparison}</h2>
<table class="compared">
<thead><tr><th scope="col">${m.poll}</th><th scope="col">${m.result}</th><th scope="col" class="number">${m.total}</th></tr></thead>
<tbody>${comparison.map((poll) => resultRow(poll, m, f))}</tbody>
</table>
<table class="hours">
<caption>${m.comparisonNote}</caption>
<thead><tr><th scope="col">${m.nthHour}</th>${titles}</tr></thead>
<tbody>${Array.from(
    { length: hoursMax },
    (_, hour) => html`<tr><th scope="row">${f.count(hour + 1)}</th>${comparison.map(({ hours }) => {
      const votes = hours[hour];
      return html`<td class="number">${votes === undefined ? m.none : f.count(votes)}</td>`;
    })}</tr>
`,
  )}</tbody>
<tfoot><tr><th scope="row">${m.total}</th>${comparison.map(({ total }) => html`<td class="number">${f.count(total)}</td>`)}</tr></tfoot>
</table>
</section>`;
}

function resultRow(poll: ComparedPoll, m: ReportMessages, f: ReportFormat): Html {
  const shares = poll.options.map(
    ({ name, votes, share }) => html`<li>${name}: ${f.count(votes)} (${f.share(share)})</li>`,
  );
  return html`<tr><th scope="row">${poll.title}<small>${poll.final ? m.final : m.preliminary} · ${poll.startsAt === null ? m.none : f.minute(poll.startsAt)}</small></th><td><ul>${shares}</ul></td><td class="number">${f.count(poll.total)}</td></tr>
`;
}
