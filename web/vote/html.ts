/** Builds HTML in which every value is escaped, unless it is HTML that was built the same way. */

export type HtmlValue = string | number | Html | null | false | readonly HtmlValue[];

/** Markup that is safe to put into a page as it is. Only `html` and `jsonScript` make it. */
export class Html {
  readonly #text: string;

  constructor(token: typeof TRUSTED, text: string) {
    if (token !== TRUSTED) throw new TypeError('build HTML by the html template');
    this.#text = text;
  }

  toString(): string {
    return this.#text;
  }
}

const TRUSTED = Symbol('trusted');

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

/** A template whose values are escaped for text and for quoted attributes; null and false leave nothing. */
export function html(parts: TemplateStringsArray, ...values: readonly HtmlValue[]): Html {
  let text = parts[0] ?? '';
  values.forEach((value, index) => {
    text += render(value) + (parts[index + 1] ?? '');
  });
  return new Html(TRUSTED, text);
}

/** Data for the page's script, in a block that no browser runs and no value can leave. */
export function jsonScript(id: string, data: unknown): Html {
  const json = JSON.stringify(data).replace(/[<>&\u2028\u2029]/g, escapeUnicode);
  return html`<script type="application/json" id="${id}">${new Html(TRUSTED, json)}</script>`;
}

function escapeUnicode(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
}

function render(value: HtmlValue): string {
  if (value === null || value === false) return '';
  if (value instanceof Html) return value.toString();
  if (typeof value === 'object') return value.map(render).join('');
  return String(value).replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
