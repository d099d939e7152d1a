/** Renders the voter pages on the server: complete HTML that votes without a script, and needs no inline style. */
import { ballotMarkup, pictureMarkup } from './ballot-markup.ts';
import { type Html, html, jsonScript } from './html.ts';
import type { Messages } from './messages.ts';
import { messagesIn } from './messages-in.ts';
import { emptyOutcome, finishedOutcome, type OutcomePanel } from './outcome-markup.ts';
import { pollPath, renderFrame } from './page-frame.ts';
import {
  type NoticePageModel,
  PAGE_DATA_ID,
  type PageData,
  type PollListItem,
  type PollListPageModel,
  type VotePageModel,
} from './page-model.ts';
import type { HiddenReason, Poll, Results } from './poll.ts';
import { describeStatus, type PollStatus } from './poll-status.ts';
import { resultsMarkup } from './results-markup.ts';
import { describeResults, emptyLines, hiddenReason } from './results-text.ts';
import { sayClock, sayRemaining } from './time-text.ts';

/**
 * The page of one poll in any state but `draft`: the ballot while it takes votes, and in words with when
 * before, between and after; with the results as far as the model has them.
 */
export function renderVotePage(model: VotePageModel): string {
  const { poll, results, lang, serverTime } = model;
  const messages = messagesIn(lang);
  const status = describeStatus(poll, serverTime, null, messages);
  const over = status.phase === 'after';
  const data: PageData = { lang, serverTime, poll, results };
  return renderFrame({
    messages,
    assets: model.assets,
    origin: model.origin ?? null,
    title: messages.poll.pageTitle(poll.title),
    description: description(poll, messages),
    poll,
    lasting: true,
    scripted: true,
    body: html`
<div class="head">
  <h1>${poll.title}</h1>
  ${statusMarkup(status, serverTime)}
</div>
${ballotMarkup(poll, model.formKey, status.phase !== 'voting', over, messages)}
${emptyOutcome(messages)}
${pollResults(poll, results, messages)}
<p class="unseen" id="announcer" role="status"></p>
${jsonScript(PAGE_DATA_ID, data)}`,
  });
}

/** The page at `/` when there is no single open poll. */
export function renderPollListPage(model: PollListPageModel): string {
  const messages = messagesIn(model.lang);
  const { list } = messages;
  const empty = html`
<div class="notice">
  <h1>${list.empty}</h1>
  <p>${list.emptyText}</p>
</div>`;
  const full = html`
<div class="head"><h1>${list.title}</h1></div>
<ul class="polls">${model.polls.map((poll) => listItem(poll, model.serverTime, messages))}
</ul>`;
  return renderFrame({
    messages,
    assets: model.assets,
    origin: model.origin ?? null,
    title: `${list.title} · Apura`,
    description: messages.poll.promise,
    poll: null,
    lasting: true,
    scripted: false,
    body: model.polls.length === 0 ? empty : full,
  });
}

/** A page that says one thing: no such poll, a failure, or what became of a form's vote. */
export function renderNoticePage(model: NoticePageModel): string {
  const messages = messagesIn(model.lang);
  const { notice } = model;
  const poll = 'poll' in notice ? notice.poll : null;
  const { title, body } = noticeContent(model, messages);
  return renderFrame({
    messages,
    assets: model.assets,
    origin: null,
    title: `${title} · ${poll?.title ?? 'Apura'}`,
    description: title,
    poll,
    lasting: false,
    scripted: false,
    body,
  });
}

function noticeContent(
  { notice }: NoticePageModel,
  messages: Messages,
): { readonly title: string; readonly body: Html } {
  const words = messages.notice;
  switch (notice.kind) {
    case 'poll_not_found':
      return simpleNotice(words.notFound, words.notFoundText, words.allPolls, '');
    case 'error': {
      const reference = notice.requestId === undefined ? '' : words.reference(notice.requestId);
      return simpleNotice(words.error, words.errorText, words.allPolls, reference);
    }
    case 'vote_accepted':
      return formOutcome(notice.poll, notice.option, notice.results, messages, {
        tone: 'good',
        title: messages.outcome.registered,
        text: messages.outcome.registeredText,
        receipt: notice.receipt,
        action: linkToPoll(notice.poll, messages.outcome.again),
      });
    case 'vote_refused':
      return formOutcome(notice.poll, null, null, messages, {
        tone: 'bad',
        title: messages.outcome.refused,
        text: messages.outcome.refusal(notice.code),
        receipt: '',
        action: linkToPoll(notice.poll, words.back),
      });
    case 'vote_uncertain':
      return formOutcome(notice.poll, notice.option, null, messages, {
        tone: 'waiting',
        title: words.uncertain,
        text: words.uncertainText,
        receipt: notice.key,
        action: html`<form method="post" action="${pollPath(notice.poll.id)}"><input type="hidden" name="key" value="${notice.key}"><input type="hidden" name="option" value="${notice.option}"><button class="primary" type="submit">${words.sendAgain}</button></form>`,
      });
  }
}

function simpleNotice(title: string, text: string, link: string, reference: string) {
  const body = html`
<div class="notice">
  <h1>${title}</h1>
  <p>${text}</p>
  ${reference !== '' && html`<p class="reference">${reference}</p>`}
  <p><a class="primary" href="/">${link}</a></p>
</div>`;
  return { title, body };
}

function formOutcome(
  poll: Poll,
  optionId: string | null,
  results: Results | null,
  messages: Messages,
  panel: Pick<OutcomePanel, 'tone' | 'title' | 'text' | 'receipt' | 'action'>,
) {
  const index = poll.options.findIndex((option) => option.id === optionId);
  const option = poll.options[index];
  const picture = option === undefined ? null : pictureMarkup(option, index);
  const said = panel.tone === 'good' && option !== undefined;
  const choice = said ? messages.outcome.choice(option.name) : (option?.name ?? '');
  const body = html`
<div class="head"><h1>${poll.title}</h1></div>
${finishedOutcome({ ...panel, picture, choice }, messages)}
${results !== null && pollResults(poll, results, messages)}`;
  return { title: panel.title, body };
}

function linkToPoll(poll: Poll, text: string): Html {
  return html`<a class="primary" href="${pollPath(poll.id)}">${text}</a>`;
}

function statusMarkup(status: PollStatus, now: number): Html {
  const { countdown } = status;
  const remaining = countdown === null ? '' : countdown.say(sayRemaining(countdown.to - now));
  return html`<div class="status" id="status" data-phase="${status.phase}">
    <p class="status-title" id="status-title">${status.title}</p>
    <p class="status-detail"><span id="status-detail">${status.detail}</span> <span class="countdown" id="countdown">${remaining}</span></p>
  </div>`;
}

/** The results that may be read now, or why they may not; with the room that the lines will take. */
function pollResults(poll: Poll, results: Results | null, messages: Messages): Html {
  const { options, resultsDetail, resultsVisibility, state } = poll;
  const reason =
    results === null ? hiddenReason(resultsVisibility, state, false) : hiddenBecause(results);
  const text = describeResults(results, options, state, messages);
  if (reason !== null) {
    const note = messages.results.hidden[reason];
    const lines = emptyLines(options);
    return resultsMarkup({ ...text, lines, note }, false, resultsDetail, '');
  }
  if (!results?.visible) return resultsMarkup(text, true, resultsDetail, '');
  const zone = { name: poll.timeZone, isReaders: false };
  const asOf = messages.results.asOf(sayClock(Date.parse(results.asOf), zone, messages));
  return resultsMarkup(text, true, results.detail, asOf);
}

function hiddenBecause(results: Results): HiddenReason | null {
  return results.visible ? null : results.reason;
}

function listItem(poll: PollListItem, now: number, messages: Messages): Html {
  const { title, detail } = describeStatus(poll, now, null, messages);
  return html`
  <li class="poll"><a href="${pollPath(poll.id)}">
    <span class="poll-title">${poll.title}</span>
    <span class="poll-when">${detail === '' ? title : detail}</span>
    <span class="poll-state" data-state="${poll.state}">${messages.status.short[poll.state]}</span>
  </a></li>`;
}

function description(poll: Poll, messages: Messages): string {
  const names = poll.options.slice(0, 6).map((option) => option.name);
  const format = new Intl.ListFormat(messages.language, { type: 'disjunction' });
  return messages.poll.description(format.format(names));
}
