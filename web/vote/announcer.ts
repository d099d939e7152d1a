/** Tells a screen reader, politely and one after the other, what has changed on the page by itself. */
import { findElement } from './page-elements.ts';

/** Words that replace others sooner than this may be all that is read. */
const SPACING_MS = 1_500;
/** Whatever waits behind more than this is old news. */
const WAITING_MAX = 4;

export class Announcer {
  readonly #region = findElement('announcer', HTMLElement);
  #waiting: readonly string[] = [];
  #busy = false;

  say(text: string): void {
    this.#waiting = [...this.#waiting, text].slice(-WAITING_MAX);
    if (!this.#busy) this.#next();
  }

  #next(): void {
    const [text, ...rest] = this.#waiting;
    this.#waiting = rest;
    this.#busy = text !== undefined;
    // Emptied in the end, so that the same words are news when they come again.
    this.#region.textContent = text ?? '';
    if (this.#busy) setTimeout(() => this.#next(), SPACING_MS);
  }
}
