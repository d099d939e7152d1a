/** Single-key shortcuts: which key means what, and when a key is only a letter of some text. */
export const SHORTCUTS = [
  { key: '?', command: 'help' },
  { key: 'n', command: 'new-poll' },
  { key: 'j', command: 'next-poll' },
  { key: 'k', command: 'previous-poll' },
  { key: '1', command: 'range-5m' },
  { key: '2', command: 'range-1h' },
  { key: '3', command: 'range-all' },
  { key: 'm', command: 'metering' },
  { key: 'd', command: 'tables' },
  { key: 'w', command: 'wall' },
  { key: 'p', command: 'pause-or-resume' },
  { key: 't', command: 'theme' },
] as const;

export type Command = (typeof SHORTCUTS)[number]['command'];

/** The part of a KeyboardEvent that decides. */
export interface KeyPress {
  readonly key: string;
  readonly ctrlKey: boolean;
  readonly metaKey: boolean;
  readonly altKey: boolean;
  readonly isTyping: boolean;
}

/** Null while someone types, and for every chord: those belong to the browser. */
export function commandOf(press: KeyPress): Command | null {
  if (press.isTyping || press.ctrlKey || press.metaKey || press.altKey) return null;
  const key = press.key.toLowerCase();
  return SHORTCUTS.find((shortcut) => shortcut.key === key)?.command ?? null;
}
