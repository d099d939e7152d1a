/** The report as a page for the printer: everything on paper, nothing that needs a script. */
import { type Html, html } from '../vote/html.ts';
import { comparisonSection } from './comparison-section.ts';
import { hoursSection } from './hours-section.ts';
import type { ReportLanguage, ReportMessages } from './messages.ts';
import { EN } from './messages-en.ts';
import { ES } from './messages-es.ts';
import { PT_BR } from './messages-pt-br.ts';
import { booksSection, recordSection, standingSection } from './record-sections.ts';
import type { Report, ReportOption, ReportPeak } from './report.ts';
import { type ReportFormat, reportFormat } from './report-format.ts';

const MESSAGES: Readonly<Record<ReportLanguage, ReportMessages>> = {
  'pt-BR': PT_BR,
  en: EN,
  es: ES,
};

export interface ReportPage {
  readonly language: ReportLanguage;
  /** Addresses of the style sheet and the icon. */
  readonly assets: { readonly style: string; readonly icon: string };
  readonly report: Report;
}

/** The whole document. It holds no script and no inline style, and asks no other host for anything. */
export function renderReportPage({ language, assets, report }: ReportPage): string {
  const m = MESSAGES[language];
  const f = reportFormat(language, report.timeZone, report.hours);
  return html`<!doctype html>
<html lang="${language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="robots" content="noindex">
<title>${report.title} · ${m.report}</title>
<link rel="stylesheet" href="${assets.style}">
<link rel="icon" href="${assets.icon}">
</head>
<body>
<main>
${head(report, m, f)}
${resultSection(report, m, f)}
${peaksSection(report, m, f)}
${booksSection(report, m, f)}
${standingSection(report, m, f)}
${comparisonSection(report, m, f)}
${hoursSection(report, m, f)}
${recordSection(report, m, f)}
${signatures(m)}
</main>
<footer><p>Apura · ${m.generated(f.instant(report.generatedAt))}</p></footer>
</body>
</html>
`.toString();
}

function head(report: Report, m: ReportMessages, f: ReportFormat): Html {
  const time = (at: string | null): string => (at === null ? m.none : f.instant(at));
  const facts = [
    [m.poll, report.poll],
    [m.state, m.states[report.state] ?? report.state],
    [m.opened, time(report.opensAt)],
    [m.closes, time(report.closesAt)],
    [m.closed, time(report.closedAt)],
    [m.zone, report.timeZone],
    [m.log, report.logId],
  ] as const;
  return html`<header>
<p class="kind">${m.report}</p>
<h1>${report.title}</h1>
<p class="standing" data-final="${String(report.final)}"><strong>${report.final ? m.final : m.preliminary}</strong> ${report.final ? m.finalNote : m.preliminaryNote}</p>
<dl>${facts.map(([name, value]) => html`<div><dt>${name}</dt><dd>${value}</dd></div>`)}</dl>
</header>`;
}

function resultSection(report: Report, m: ReportMessages, f: ReportFormat): Html {
  const most = Math.max(0, ...report.options.map(({ share }) => share));
  return html`<section aria-labelledby="result">
<h2 id="result">${m.result}</h2>
<table>
<thead><tr><th scope="col">${m.option}</th><th scope="col" class="number">${m.votes}</th><th scope="col" class="number">${m.share}</th><td class="bar"></td></tr></thead>
<tbody>${report.options.map(
    (option) => html`<tr${option.leader && html` class="leader"`}>
<th scope="row">${option.name}</th><td class="number">${f.count(option.votes)}</td><td class="number">${f.share(option.share)}</td><td class="bar">${bar(option, most)}</td></tr>`,
  )}</tbody>
<tfoot><tr><th scope="row">${m.total}</th><td class="number">${f.count(report.total)}</td><td class="number">${report.total > 0 && f.share(1)}</td><td class="bar"></td></tr></tfoot>
</table>
</section>`;
}

/** As long as the share is to the largest one. The figures beside it say the same in words. */
function bar({ share }: ReportOption, most: number): Html {
  const width = most === 0 ? 0 : (share / most) * 100;
  return html`<svg viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true"><rect width="${width.toFixed(2)}" height="8" /></svg>`;
}

function peaksSection(report: Report, m: ReportMessages, f: ReportFormat): Html {
  const peak = (name: string, of: ReportPeak | null): Html =>
    html`<div><dt>${name}</dt><dd>${of === null ? m.none : `${f.window(of)} · ${m.peakOf(f.count(of.votes))}`}</dd></div>`;
  return html`<section aria-labelledby="peaks">
<h2 id="peaks">${m.peaks}</h2>
<dl>${peak(m.peakMinute, report.peakMinute)}${peak(m.peakHour, report.peakHour)}</dl>
</section>`;
}

function signatures(m: ReportMessages): Html {
  return html`<section class="signatures" aria-labelledby="signatures">
<h2 id="signatures">${m.signatures}</h2>
<ul>${m.signatureOf.map((who) => html`<li><strong>${who}</strong><span>${m.signatureLine}</span></li>`)}</ul>
</section>`;
}
