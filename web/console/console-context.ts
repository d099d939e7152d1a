/** What every component of the console shares: words, formats, the live state and the ways to act. */
import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { ApiClient } from './api-client.ts';
import type { Formats } from './format.ts';
import type { LiveEvent, LiveState } from './live-state.ts';
import type { Lang } from './messages.ts';
import type { Messages } from './messages-pt-br.ts';
import type { Theme } from './palette.ts';
import type { PollAct } from './poll-act.ts';
import type { Route } from './route.ts';
import type { Problem } from './sender.ts';

export interface Console {
  readonly m: Messages;
  readonly f: Formats;
  readonly lang: Lang;
  readonly theme: Theme;
  readonly live: LiveState;
  readonly api: ApiClient;
  dispatch(event: LiveEvent): void;
  go(route: Route): void;
  /** Says a short sentence on the screen and to screen readers. */
  announce(text: string): void;
  /** Opens the confirmation of an act. */
  ask(poll: string, act: PollAct): void;
  /** The text of a problem; also ends the console when the session has. */
  explain(problem: Problem): string;
  retryNow(): void;
}

export const ConsoleContext = createContext<Console | null>(null);

export function useConsole(): Console {
  const console = useContext(ConsoleContext);
  if (console === null) throw new Error('useConsole outside of ConsoleContext');
  return console;
}

/** The text of a table for a key that may be unknown to it. */
export function textOf(table: Readonly<Record<string, string>>, key: string): string | null {
  return Object.hasOwn(table, key) ? (table[key] ?? null) : null;
}
