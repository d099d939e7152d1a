/** The form of the options: names the choice on the button and hands the vote over instead of leaving the page. */
import type { Messages } from './messages.ts';
import type { OutboxView } from './outbox.ts';
import { findElement, setText } from './page-elements.ts';
import type { PollOption } from './poll.ts';
import type { Phase } from './poll-status.ts';

export class BallotView {
  readonly #form = findElement('ballot', HTMLFormElement);
  readonly #fieldset = findElement('options', HTMLFieldSetElement);
  readonly #legend = findElement('legend', HTMLElement);
  readonly #action = findElement('ballot-action', HTMLElement);
  readonly #button = findElement('vote', HTMLButtonElement);
  readonly #problem = findElement('ballot-problem', HTMLElement);
  readonly #waiting = findElement('waiting', HTMLElement);
  readonly #options: readonly PollOption[];
  readonly #messages: Messages;

  /** `onVote` answers whether the vote could be kept. */
  constructor(
    options: readonly PollOption[],
    messages: Messages,
    onVote: (option: PollOption) => boolean,
  ) {
    this.#options = options;
    this.#messages = messages;
    this.#form.noValidate = true;
    this.#form.addEventListener('change', () => this.#nameChoice());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#submit(onVote);
    });
    // A browser may bring back the choice that was made before a reload.
    this.#nameChoice();
  }

  show(shown: boolean, phase: Phase): void {
    const locked = phase !== 'voting';
    this.#form.hidden = !shown || phase === 'after';
    this.#form.toggleAttribute('data-locked', locked);
    this.#fieldset.disabled = locked;
    this.#action.hidden = locked;
    const { options, chooseOne } = this.#messages.poll;
    setText(this.#legend, locked ? options : chooseOne);
  }

  /** Tells of earlier votes that are still on their way, or did not make it. */
  showEarlier({ deliveries }: OutboxView): void {
    const { poll } = this.#messages;
    const waiting = deliveries.filter(({ fate }) => fate === null).length;
    const failed = deliveries.filter(
      ({ fate }) => fate !== null && fate.kind !== 'registered',
    ).length;
    setText(
      this.#waiting,
      waiting > 0 ? poll.waiting(waiting) : failed > 0 ? poll.failed(failed) : '',
    );
    this.#waiting.hidden = waiting + failed === 0;
  }

  focus(): void {
    const chosen = this.#form.querySelector<HTMLInputElement>('input[name=option]:checked');
    (chosen ?? this.#firstInput())?.focus();
  }

  /** The picture of an option, to be shown with what became of the vote. */
  pictureOf(option: string): Node | null {
    const inputs = this.#form.querySelectorAll<HTMLInputElement>('input[name=option]');
    const input = Array.from(inputs).find(({ value }) => value === option);
    return input?.closest('.option')?.querySelector('.picture')?.cloneNode(true) ?? null;
  }

  #submit(onVote: (option: PollOption) => boolean): void {
    const option = this.#chosen();
    if (option === null) {
      setText(this.#problem, this.#messages.poll.chooseFirst);
      this.#firstInput()?.focus();
      return;
    }
    setText(this.#problem, onVote(option) ? '' : this.#messages.poll.tooMany);
  }

  #nameChoice(): void {
    const option = this.#chosen();
    const { vote, voteFor } = this.#messages.poll;
    setText(this.#button, option === null ? vote : voteFor(option.name));
    if (option !== null) setText(this.#problem, '');
  }

  #chosen(): PollOption | null {
    const id = new FormData(this.#form).get('option');
    return this.#options.find((option) => option.id === id) ?? null;
  }

  #firstInput(): HTMLInputElement | null {
    return this.#form.querySelector<HTMLInputElement>('input[name=option]');
  }
}
