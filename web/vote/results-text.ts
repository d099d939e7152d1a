/** Turns results into the lines that are shown: by the server in the page, and live by the script. */
import type { Messages } from './messages.ts';
import type { HiddenReason, OptionResult, PollOption, PollState, Results } from './poll.ts';

export type ResultLine = {
  readonly id: string;
  readonly name: string;
  /** The main figure, such as `53,42%`; empty where the poll tells the leader only. */
  readonly figure: string;
  /** The number of votes in words, empty where it is not told. */
  readonly votes: string;
  /** 0 to 1, for the bar; null where there is none. */
  readonly share: number | null;
  /** What the leader is called, empty for the others. */
  readonly badge: string;
};

export type ResultsText = {
  readonly heading: string;
  readonly lines: readonly ResultLine[];
  /** In place of the lines (a reason), or beneath them (the total). */
  readonly note: string;
};

const PLACEHOLDER = '–';

const PERCENT: Intl.NumberFormatOptions = {
  style: 'percent',
  minimumFractionDigits: 2,
  maximumFractionDigits: 2,
};

/** `results` is null while none have come yet. */
export function describeResults(
  results: Results | null,
  options: readonly PollOption[],
  state: PollState,
  messages: Messages,
): ResultsText {
  const heading = headingOf(results?.state ?? state, messages);
  const words = messages.results;
  if (results === null) return { heading, lines: emptyLines(options), note: words.loading };
  if (!results.visible) return { heading, lines: [], note: words.hidden[results.reason] };
  const byId = new Map(results.options.map((option) => [option.id, option]));
  const empty = results.options.every(hasNothing);
  const share = new Intl.NumberFormat(messages.language, PERCENT);
  const count = new Intl.NumberFormat(messages.language);
  const lines = options.map(({ id, name }): ResultLine => {
    const one = byId.get(id) ?? { votes: null, share: null, leader: null };
    return {
      id,
      name,
      figure: one.share === null ? '' : share.format(one.share),
      votes: one.votes === null ? '' : words.votes(one.votes, count.format(one.votes)),
      share: one.share,
      badge: one.leader === true && !empty ? badgeOf(results.state, messages) : '',
    };
  });
  const { total } = results;
  const note = total === null ? '' : words.total(total, count.format(total));
  return { heading, lines, note: empty ? words.none : note };
}

/** The lines that a poll's results will have, before there are any: they keep the room. */
export function emptyLines(options: readonly PollOption[]): readonly ResultLine[] {
  return options.map(({ id, name }) => ({
    id,
    name,
    figure: PLACEHOLDER,
    votes: '',
    share: null,
    badge: '',
  }));
}

/** One sentence for a screen reader. */
export function sayResults(text: ResultsText, messages: Messages): string {
  if (text.lines.length === 0) return text.note;
  const said = text.lines.map((line) =>
    [line.name, line.figure, line.votes, line.badge].filter((part) => part !== '').join(' '),
  );
  return messages.results.said(text.heading, said.join('; '));
}

/**
 * Why the results are hidden now, from the poll's own settings: what a page can say before it has asked.
 * Null when they are, or may be, visible.
 */
export function hiddenReason(
  visibility: HiddenReason | 'always',
  state: PollState,
  hasVoted: boolean,
): HiddenReason | null {
  const published = state === 'published' || state === 'archived';
  switch (visibility) {
    case 'never':
      return 'never';
    case 'after_vote':
      return hasVoted || published || state === 'closed' ? null : 'after_vote';
    case 'after_close':
      return published || state === 'closed' ? null : 'after_close';
    case 'after_publish':
      return published ? null : 'after_publish';
    case 'always':
      return null;
  }
}

/** No votes, as far as the poll tells: with none, everyone leads. */
function hasNothing({ votes, share, leader }: OptionResult): boolean {
  const told = votes ?? share;
  return told === null ? leader !== true : told === 0;
}

function headingOf(state: PollState, messages: Messages): string {
  if (state === 'published' || state === 'archived') return messages.results.official;
  return state === 'closed' ? messages.results.final : messages.results.partial;
}

function badgeOf(state: PollState, messages: Messages): string {
  const final = state === 'closed' || state === 'published' || state === 'archived';
  return final ? messages.results.won : messages.results.leads;
}
