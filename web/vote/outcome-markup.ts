/** What became of a vote: one panel, filled by the server for a form's vote and by the script for its own. */
import { type Html, html } from './html.ts';
import type { Messages } from './messages.ts';

/** How the panel looks: the vote is on its way, in, or not in. */
export type Tone = 'waiting' | 'good' | 'bad';

export type OutcomePanel = {
  readonly tone: Tone;
  readonly picture: Html | null;
  readonly title: string;
  readonly choice: string;
  readonly text: string;
  /** Empty where there is nothing to check later. */
  readonly receipt: string;
  readonly action: Html;
};

/** The panel of the vote page before any vote: hidden, with every part that the script may need. */
export function emptyOutcome(messages: Messages): Html {
  const { outcome } = messages;
  const acts = html`<div class="receipt-acts"><button type="button" class="quiet" id="receipt-copy">${outcome.copy}</button><button type="button" class="quiet" id="receipt-check">${outcome.check}</button></div>`;
  const action = html`<button type="button" class="primary" id="again">${outcome.again}</button>`;
  const panel: OutcomePanel = {
    tone: 'waiting',
    picture: null,
    title: outcome.sending,
    choice: '',
    text: '',
    receipt: '',
    action,
  };
  return outcomeMarkup(
    panel,
    receiptMarkup('', outcome.receiptLater, acts, messages),
    html` hidden`,
  );
}

/** The panel of a page that answers a form. */
export function finishedOutcome(panel: OutcomePanel, messages: Messages): Html {
  const { receiptNote } = messages.outcome;
  const known = panel.receipt !== '';
  const receipt = known ? receiptMarkup(panel.receipt, receiptNote, null, messages) : null;
  return outcomeMarkup(panel, receipt, null);
}

function outcomeMarkup(panel: OutcomePanel, receipt: Html | null, hidden: Html | null): Html {
  return html`
<section class="outcome" id="outcome" data-tone="${panel.tone}" aria-labelledby="outcome-title"${hidden}>
  <div class="outcome-head">
    <div class="outcome-picture" aria-hidden="true"><div id="outcome-picture">${panel.picture}</div>${MARK}</div>
    <div>
      <h2 class="outcome-title" id="outcome-title" tabindex="-1">${panel.title}</h2>
      <p class="outcome-choice" id="outcome-choice">${panel.choice}</p>
    </div>
  </div>
  <p class="outcome-text" id="outcome-text">${panel.text}</p>
  <p class="outcome-more" id="outcome-more" hidden></p>
  ${receipt}
  <div class="action" id="outcome-action">${panel.action}</div>
</section>`;
}

function receiptMarkup(
  receipt: string,
  note: string,
  acts: Html | null,
  { outcome }: Messages,
): Html {
  return html`<div class="receipt" id="receipt">
    <h3>${outcome.receipt}</h3>
    ${acts}
    <p class="receipt-code"><code id="receipt-code">${receipt}</code></p>
    <p class="receipt-note" id="receipt-note">${note}</p>
  </div>`;
}

/** A small sign on the picture's corner; the style shows the one of the tone. */
const MARK = html`<svg class="mark" width="28" height="28" viewBox="0 0 28 28"><circle cx="14" cy="14" r="14" /><path class="mark-good" d="M8 14.6l4 4.1 8-8.9" /><path class="mark-bad" d="M9.5 9.5l9 9m0-9l-9 9" /><path class="mark-waiting" d="M14 8v6.4l4 2.4" /></svg>`;
