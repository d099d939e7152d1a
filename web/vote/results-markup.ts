/** The results as the server writes them; the script finds the same elements again and keeps them live. */
import { type Html, html } from './html.ts';
import type { ResultsDetail } from './poll.ts';
import type { ResultLine, ResultsText } from './results-text.ts';

/** `shown` false leaves the lines in the page, hidden: the script fills and shows them when it may. */
export function resultsMarkup(
  text: ResultsText,
  shown: boolean,
  detail: ResultsDetail,
  freshness: string,
): Html {
  const { heading, lines, note } = text;
  return html`
<section class="results" id="results" data-detail="${detail}" aria-labelledby="results-title">
  <div class="results-head">
    <h2 id="results-title">${heading}</h2>
    <p class="freshness" id="freshness">${freshness}</p>
  </div>
  <ol class="bars" id="bars"${!shown && html` hidden`}>${lines.map(lineMarkup)}
  </ol>
  <p class="results-note" id="results-note">${note}</p>
</section>`;
}
function lineMarkup(line: ResultLine): Html {
  const width = `${((line.share ?? 0) * 100).toFixed(2)}%`;
  return html`
    <li class="bar" data-option="${line.id}"${line.badge !== '' && html` data-leads`}>
      <span class="bar-name">${line.name}</span>
      <span class="bar-badge">${line.badge}</span>
      <span class="bar-figure">${line.figure}</span>
      <svg class="bar-track" width="100%" height="10" aria-hidden="true"><rect class="bar-fill" width="${width}" height="10" rx="5" /></svg>
      <span class="bar-votes">${line.votes}</span>
    </li>`;
}
