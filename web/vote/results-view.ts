/** Shows the results live, never backwards, and says how old they are when they are. */
import type { Announcer } from './announcer.ts';
import type { FeedState } from './live-feed.ts';
import type { Messages } from './messages.ts';
import { findElement, setText } from './page-elements.ts';
import type { Poll, Results } from './poll.ts';
import { describeResults, hiddenReason, type ResultLine, sayResults } from './results-text.ts';
import { sayClock, zoneToTell } from './time-text.ts';

/** A screen reader hears a new standing at most this often. */
const SAY_EVERY_MS = 30_000;

export class ResultsView {
  readonly #section = findElement('results', HTMLElement);
  readonly #heading = findElement('results-title', HTMLElement);
  readonly #freshness = findElement('freshness', HTMLElement);
  readonly #bars = findElement('bars', HTMLElement);
  readonly #note = findElement('results-note', HTMLElement);
  readonly #rows = new Map<string, HTMLElement>();
  readonly #messages: Messages;
  readonly #announcer: Announcer;
  readonly #readersZone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  #results: Results | null;
  #feed: FeedState = 'asking';
  #leaders = '';
  #saidAt = Number.NEGATIVE_INFINITY;

  constructor(results: Results | null, messages: Messages, announcer: Announcer) {
    this.#results = results;
    this.#messages = messages;
    this.#announcer = announcer;
    for (const row of this.#bars.querySelectorAll('li')) {
      this.#rows.set(row.dataset.option ?? '', row);
    }
  }

  /** Takes in newer results; older ones are dropped, so that no count ever goes backwards. */
  take(results: Results): void {
    const before = this.#results;
    const older = before !== null && results.version < before.version;
    if (!older || (results.visible && !before.visible)) this.#results = results;
  }

  connection(feed: FeedState): void {
    this.#feed = feed;
  }

  show(poll: Poll, hasVoted: boolean): void {
    const results = this.#results;
    const text = describeResults(results, poll.options, poll.state, this.#messages);
    setText(this.#heading, text.heading);
    const reason = this.#hiddenReason(poll, hasVoted);
    if (reason !== null) {
      this.#bars.hidden = !this.#comesWithTheVote(poll, hasVoted);
      setText(this.#note, this.#messages.results.hidden[reason]);
      setText(this.#freshness, '');
      return;
    }
    this.#bars.hidden = false;
    setText(this.#note, text.note);
    if (results?.visible !== true) return;
    this.#section.dataset.detail = results.detail;
    for (const line of text.lines) this.#showLine(line);
    this.#showFreshness(results, poll);
    const leaders = text.lines.filter(({ badge }) => badge !== '').map(({ id }) => id);
    this.#say(sayResults(text, this.#messages), leaders.join());
  }

  #hiddenReason(poll: Poll, hasVoted: boolean) {
    const results = this.#results;
    if (results?.visible === true) return null;
    if (results !== null) return results.reason;
    return hiddenReason(poll.resultsVisibility, poll.state, hasVoted);
  }

  /** The lines take their room with the vote itself, not when the answer comes: nothing jumps then. */
  #comesWithTheVote(poll: Poll, hasVoted: boolean): boolean {
    return hasVoted && hiddenReason(poll.resultsVisibility, poll.state, true) === null;
  }

  #showLine(line: ResultLine): void {
    const row = this.#rows.get(line.id);
    if (row === undefined) return;
    const part = (name: string) => row.querySelector(`.bar-${name}`) ?? row;
    setText(part('figure'), line.figure);
    setText(part('votes'), line.votes);
    setText(part('badge'), line.badge);
    part('fill').setAttribute('width', `${((line.share ?? 0) * 100).toFixed(2)}%`);
    row.toggleAttribute('data-leads', line.badge !== '');
  }

  #showFreshness(results: Results, poll: Poll): void {
    const at = Date.parse(results.asOf);
    const { asOf, live, outOfDate } = this.#messages.results;
    const final = poll.state === 'closed' || poll.state === 'published';
    const lost = this.#feed === 'lost' && !final;
    const isLive = this.#feed === 'live' && !results.stale && !final;
    const zone = zoneToTell(at, poll.timeZone, this.#readersZone);
    const time = sayClock(at, zone, this.#messages);
    setText(this.#freshness, isLive ? live : lost ? outOfDate(time) : asOf(time));
    this.#freshness.toggleAttribute('data-live', isLive);
    this.#section.toggleAttribute('data-stale', lost || results.stale);
  }

  #say(text: string, leaders: string): void {
    const now = performance.now();
    if (leaders === this.#leaders || now - this.#saidAt < SAY_EVERY_MS) return;
    this.#leaders = leaders;
    this.#saidAt = now;
    this.#announcer.say(text);
  }
}
