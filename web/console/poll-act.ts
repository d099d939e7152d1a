/** The acts that drive a poll: which a state offers, and which can never be taken back. */
import type { PollState } from './poll.ts';

export type PollAct = 'open' | 'pause' | 'resume' | 'close' | 'publish' | 'archive';

const OFFERED: Readonly<Record<PollState, readonly PollAct[]>> = {
  draft: ['open', 'archive'],
  scheduled: ['open', 'archive'],
  open: ['pause', 'close'],
  paused: ['resume', 'close'],
  closing: [],
  closed: ['publish'],
  published: ['archive'],
  archived: [],
};

const IRREVERSIBLE: ReadonlySet<PollAct> = new Set(['close', 'publish']);

export function actsOf(state: PollState): readonly PollAct[] {
  return OFFERED[state];
}

/** An irreversible act asks for its word to be typed. */
export function isIrreversible(act: PollAct): boolean {
  return IRREVERSIBLE.has(act);
}

/** A typed word confirms whatever its case, accents and surrounding spaces. */
export function confirms(typed: string, word: string): boolean {
  return fold(typed) === fold(word);
}

export function isEditable(state: PollState): boolean {
  return state === 'draft' || state === 'scheduled';
}

/** Whether votes arrive, or may arrive again. */
export function isLive(state: PollState): boolean {
  return state === 'open' || state === 'paused' || state === 'closing';
}

function fold(text: string): string {
  return text.normalize('NFD').replace(/\p{M}/gu, '').trim().toLowerCase();
}
