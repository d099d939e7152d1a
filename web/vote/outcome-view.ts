/** Shows what became of the last vote, and lets the voter keep and check its receipt. */
import type { Announcer } from './announcer.ts';
import type { AskAnswer } from './delivery.ts';
import type { Messages } from './messages.ts';
import type { OutcomeText } from './outcome-text.ts';
import { findElement, setText } from './page-elements.ts';
import { ReceiptCheck, type ReceiptCheckSurroundings } from './receipt-check.ts';

/** A second tap of an excited thumb must not land on "vote again". */
const AGAIN_AFTER_MS = 500;
const COPIED_SHOWN_MS = 2_000;

export type OutcomeActs = Omit<ReceiptCheckSurroundings, 'onAnswer'> & {
  readonly onAgain: () => void;
};

export class OutcomeView {
  readonly #panel = findElement('outcome', HTMLElement);
  readonly #picture = findElement('outcome-picture', HTMLElement);
  readonly #title = findElement('outcome-title', HTMLElement);
  readonly #choice = findElement('outcome-choice', HTMLElement);
  readonly #text = findElement('outcome-text', HTMLElement);
  readonly #more = findElement('outcome-more', HTMLElement);
  readonly #receipt = findElement('receipt', HTMLElement);
  readonly #code = findElement('receipt-code', HTMLElement);
  readonly #note = findElement('receipt-note', HTMLElement);
  readonly #copy = findElement('receipt-copy', HTMLButtonElement);
  readonly #again = findElement('again', HTMLButtonElement);
  readonly #messages: Messages;
  readonly #announcer: Announcer;
  readonly #check: ReceiptCheck;
  #shownAt = 0;

  constructor(messages: Messages, announcer: Announcer, acts: OutcomeActs) {
    this.#messages = messages;
    this.#announcer = announcer;
    this.#again.addEventListener('click', () => {
      if (performance.now() - this.#shownAt >= AGAIN_AFTER_MS) acts.onAgain();
    });
    this.#copy.addEventListener('click', () => void this.#copyReceipt());
    this.#check = new ReceiptCheck({ ...acts, onAnswer: (answer) => this.#tell(answer) });
    findElement('receipt-check', HTMLButtonElement).addEventListener('click', () => {
      setText(this.#note, messages.outcome.checking);
      this.#check.start(this.#code.textContent ?? '');
    });
  }

  /** Opens the panel for a vote that was just made, and leads a screen reader to it. */
  open(picture: Node | null): void {
    this.#picture.replaceChildren(...(picture === null ? [] : [picture]));
    this.#panel.hidden = false;
    this.#shownAt = performance.now();
  }

  focus(): void {
    this.#title.focus({ preventScroll: true });
    scrollTo(0, 0);
  }

  close(): void {
    this.#panel.hidden = true;
  }

  show(outcome: OutcomeText, canVoteAgain: boolean): void {
    const before = this.#title.textContent;
    this.#panel.dataset.tone = outcome.tone;
    setText(this.#title, outcome.title);
    setText(this.#choice, outcome.choice);
    setText(this.#text, outcome.text);
    setText(this.#more, outcome.more);
    this.#more.hidden = outcome.more === '';
    this.#showReceipt(outcome.receipt ?? '');
    this.#again.hidden = !canVoteAgain;
    if (before !== outcome.title && !this.#panel.hidden) {
      this.#announcer.say(`${outcome.title}. ${outcome.choice}. ${outcome.text}`);
    }
  }

  #showReceipt(receipt: string): void {
    // A note that tells what a check has found stays for as long as the receipt does.
    if (this.#code.textContent === receipt) return;
    this.#check.stop();
    const { receiptLater, receiptNote } = this.#messages.outcome;
    setText(this.#code, receipt);
    setText(this.#note, receipt === '' ? receiptLater : receiptNote);
    this.#receipt.classList.toggle('known', receipt !== '');
  }

  async #copyReceipt(): Promise<void> {
    const { copy, copied } = this.#messages.outcome;
    try {
      await navigator.clipboard.writeText(this.#code.textContent ?? '');
    } catch {
      // Not allowed here (no secure origin, or refused): leave it selected, to be copied by hand.
      getSelection()?.selectAllChildren(this.#code);
      return;
    }
    setText(this.#copy, copied);
    this.#announcer.say(copied);
    setTimeout(() => setText(this.#copy, copy), COPIED_SHOWN_MS);
  }

  #tell(answer: AskAnswer): void {
    const { outcome } = this.#messages;
    const said =
      answer.kind === 'receipt' ? outcome.receiptStatus[answer.status] : outcome.checkFailed;
    // Whoever hears the page is told what is new, not every time that nothing is.
    if (this.#note.textContent !== said) this.#announcer.say(said);
    setText(this.#note, said);
  }
}
