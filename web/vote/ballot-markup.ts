/** The options as cards around real radio buttons, in a form that works without the script. */
import { type Html, html } from './html.ts';
import type { Messages } from './messages.ts';
import { localPath, pollPath } from './page-frame.ts';
import type { Poll, PollOption } from './poll.ts';

/** Up to so many options are large cards; more become a list. */
const CARDS_MAX = 4;
/** How many option pictures the first screen shows. */
const EAGER_PICTURES_MAX = 6;
const TILE_COLORS = 6;

/** `locked`: the poll takes no votes now; the options can be read, not chosen. */
export function ballotMarkup(
  poll: Poll,
  formKey: string | null,
  locked: boolean,
  hidden: boolean,
  messages: Messages,
): Html {
  const cards = poll.options.length <= CARDS_MAX;
  const legend = locked ? messages.poll.options : messages.poll.chooseOne;
  return html`
<form class="ballot" id="ballot" method="post" action="${pollPath(poll.id)}"${locked && html` data-locked`}${hidden && html` hidden`}>
  ${formKey !== null && html`<input type="hidden" name="key" value="${formKey}">`}
  <fieldset id="options"${locked && html` disabled`} aria-describedby="ballot-problem">
    <legend id="legend">${legend}</legend>
    <div class="${cards ? 'cards' : 'rows'}" data-count="${poll.options.length}">${poll.options.map(optionMarkup)}
    </div>
  </fieldset>
  <div class="action" id="ballot-action"${locked && html` hidden`}>
    <p class="waiting" id="waiting" hidden></p>
    <p class="problem" id="ballot-problem" role="alert"></p>
    <button class="primary" type="submit" id="vote">${messages.poll.vote}</button>
  </div>
</form>`;
}

/** The picture of an option, or its initials on a tile of a colour of its own. */
export function pictureMarkup(option: PollOption, index: number): Html {
  const url = localPath(option.imageUrl);
  if (url === null) {
    return html`<span class="picture tile tile-${index % TILE_COLORS}" aria-hidden="true"><span>${initials(option.name)}</span></span>`;
  }
  const lazy = index >= EAGER_PICTURES_MAX && html` loading="lazy"`;
  return html`<span class="picture"><img src="${url}" alt="" width="480" height="480" decoding="async"${lazy}></span>`;
}

function optionMarkup(option: PollOption, index: number): Html {
  return html`
      <label class="option">
        ${pictureMarkup(option, index)}
        <span class="caption"><input type="radio" name="option" value="${option.id}" required><span class="name">${option.name}</span></span>
      </label>`;
}

/** The first letters of the first and the last word that begin with a letter or a digit. */
export function initials(name: string): string {
  const words = name.split(/\s+/u).filter((word) => /^[\p{L}\p{N}]/u.test(word));
  const chosen = words.length > 1 ? [words[0], words.at(-1)] : [words[0]];
  const letters = chosen.map((word) => Array.from(word ?? '')[0] ?? '').join('');
  return letters === '' ? '•' : letters.toLocaleUpperCase();
}
