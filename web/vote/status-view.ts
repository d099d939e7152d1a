/** Keeps the line about where the poll stands: in the reader's zone, counting down by the server's time. */
import type { Announcer } from './announcer.ts';
import type { Messages } from './messages.ts';
import { findElement, setText } from './page-elements.ts';
import type { Poll } from './poll.ts';
import { describeStatus, type Phase } from './poll-status.ts';
import { milestonePassed, sayRemaining } from './time-text.ts';

export class StatusView {
  readonly #status = findElement('status', HTMLElement);
  readonly #title = findElement('status-title', HTMLElement);
  readonly #detail = findElement('status-detail', HTMLElement);
  readonly #countdown = findElement('countdown', HTMLElement);
  readonly #announcer: Announcer;
  readonly #messages: Messages;
  readonly #zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  #phase: Phase | null = null;
  #remainingMs: number | null = null;

  constructor(announcer: Announcer, messages: Messages) {
    this.#announcer = announcer;
    this.#messages = messages;
  }

  /** Shows the poll as it stands at `now` (ms, server time) and says which phase that is. */
  show(poll: Poll, now: number): Phase {
    const status = describeStatus(poll, now, this.#zone, this.#messages);
    const { countdown, phase } = status;
    this.#status.dataset.phase = phase;
    setText(this.#title, status.title);
    setText(this.#detail, status.detail);
    const remainingMs = countdown === null ? null : countdown.to - now;
    setText(
      this.#countdown,
      countdown === null ? '' : countdown.say(sayRemaining(countdown.to - now)),
    );
    this.#announce(phase, remainingMs);
    this.#phase = phase;
    this.#remainingMs = remainingMs;
    return phase;
  }

  #announce(phase: Phase, remainingMs: number | null): void {
    const { time, status } = this.#messages;
    if (this.#phase !== null && this.#phase !== phase) {
      const said = { after: time.saidEnded, paused: status.paused, voting: time.saidStarted };
      if (phase !== 'before') this.#announcer.say(said[phase]);
      return;
    }
    if (phase !== 'voting' || remainingMs === null || this.#remainingMs === null) return;
    const seconds = milestonePassed(this.#remainingMs, remainingMs);
    if (seconds === null) return;
    this.#announcer.say(seconds < 60 ? time.saidLeftSeconds(seconds) : time.saidLeft(seconds / 60));
  }
}
