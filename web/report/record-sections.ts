/** What auditors check: the books, the acts on record, and how far the count had come. */
import { type Html, html } from '../vote/html.ts';
import type { ReportMessages } from './messages.ts';
import type { Report, ReportAct } from './report.ts';
import type { ReportFormat } from './report-format.ts';

/** In the order of the sum: what was logged, and what became of it. */
const BOOKS = [
  'logged',
  'counted',
  'valid',
  'flagged',
  'duplicate',
  'expired',
  'late',
  'voided',
] as const;
const PARTS_OF_COUNTED: ReadonlySet<string> = new Set(['valid', 'flagged']);

export function booksSection({ books }: Report, m: ReportMessages, f: ReportFormat): Html {
  const rows =
    books !== null &&
    BOOKS.map(
      (name) =>
        html`<tr${PARTS_OF_COUNTED.has(name) && html` class="part"`}><th scope="row">${m.book[name]}</th><td class="number">${f.count(books[name])}</td></tr>
`,
    );
  return html`<section aria-labelledby="books">
<h2 id="books">${m.books}</h2>
${
  books === null
    ? html`<p>${m.booksHidden}</p>`
    : html`<table class="narrow"><tbody>${rows}</tbody></table>
<p><strong>${m.booksAre(books.balanced)}</strong> ${m.booksRule} ${m.doorsNote}</p>`
}
</section>`;
}

export function standingSection(report: Report, m: ReportMessages, f: ReportFormat): Html {
  const consistency = report.record?.consistency ?? null;
  return html`<section aria-labelledby="standing">
<h2 id="standing">${m.standing}</h2>
<p>${m.standingNote(f.count(report.version), f.instant(report.asOf))}
${
  consistency !== null &&
  html`<strong>${m.consistency[consistency.state]}</strong> ${consistency.checkedAt !== null && m.checkedAt(f.instant(consistency.checkedAt))} ${consistency.detail}`
}</p>
<table class="narrow">
<thead><tr><th scope="col">${m.partition}</th><th scope="col" class="number">${m.nextOffset}</th></tr></thead>
<tbody>${report.offsets.map(({ partition, next }) => html`<tr><th scope="row">${partition}</th><td class="number">${f.count(next)}</td></tr>`)}</tbody>
</table>
</section>`;
}

export function recordSection({ record }: Report, m: ReportMessages, f: ReportFormat): Html | null {
  if (record === null) return null;
  return html`<section aria-labelledby="voids" tabindex="0">
<h2 id="voids">${m.voids}</h2>
${record.voids.length === 0 ? html`<p>${m.noVoids}</p>` : actsTable(record.voids, m, f)}
</section>
<section aria-labelledby="acts" tabindex="0">
<h2 id="acts">${m.acts}</h2>
${record.actsLeftOff && html`<p>${m.actsLeftOff}</p>`}
${record.acts.length === 0 ? html`<p>${m.noActs}</p>` : actsTable(record.acts, m, f)}
</section>`;
}

function actsTable(acts: readonly ReportAct[], m: ReportMessages, f: ReportFormat): Html {
  return html`<table class="acts">
<thead><tr><th scope="col">${m.when}</th><th scope="col">${m.who}</th><th scope="col">${m.what}</th></tr></thead>
<tbody>${acts.map(
    ({ at, actor, act, detail }) =>
      html`<tr><td>${f.instant(at)}</td><td>${actor === 'clock' ? m.clock : actor}</td><td>${m.actNames[act] ?? act}${detail !== null && html` (${detail})`}</td></tr>
`,
  )}</tbody>
</table>`;
}
