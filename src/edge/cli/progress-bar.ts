/** A line at the bottom of a terminal that tells how far a long command is. */
import type { CliIo } from './cli-io.ts';

/** `[██████░░░░]  60%  words`, no wider than the terminal. */
export function progressLine(share: number, words: string, columns: number): string {
  const bounded = Math.min(1, Math.max(0, share));
  const width = Math.min(24, Math.max(4, columns - words.length - 12));
  const full = Math.round(bounded * width);
  const bar = `[${'█'.repeat(full)}${'░'.repeat(width - full)}]`;
  const percent = `${Math.floor(bounded * 100)}%`.padStart(4);
  return `${bar} ${percent}  ${words}`.slice(0, columns - 1);
}

/** Redraws the line in place, on a terminal only; disposing it takes the line away. */
export class ProgressBar implements Disposable {
  readonly #io: CliIo;
  readonly #timer: ReturnType<typeof setInterval> | null;

  /** `look` is asked a few times a second how far things are. */
  constructor(io: CliIo, look: () => { readonly share: number; readonly words: string }) {
    this.#io = io;
    const draw = () => {
      const { share, words } = look();
      io.stderr(`\r${progressLine(share, words, io.columns)}\x1b[K`);
    };
    this.#timer = io.isTTY ? setInterval(draw, 200) : null;
  }

  [Symbol.dispose](): void {
    if (this.#timer === null) return;
    clearInterval(this.#timer);
    this.#io.stderr('\r\x1b[K');
  }
}
