/** Says in words, honestly, what is known of a vote on its way. */
import type { Delivery, Fate } from './delivery.ts';
import type { Messages } from './messages.ts';
import type { OutboxView } from './outbox.ts';
import type { Tone } from './outcome-markup.ts';

export type OutcomeText = {
  readonly tone: Tone;
  readonly title: string;
  readonly choice: string;
  readonly text: string;
  /** Of the other votes of this device, empty when there is nothing to say. */
  readonly more: string;
  /** The key by which the vote can be asked for, or null while there is nothing to ask. */
  readonly receipt: string | null;
};

/** What to show of the vote that was made last; null when there is none. */
export function describeOutcome(view: OutboxView, messages: Messages): OutcomeText | null {
  const last = view.deliveries.at(-1);
  if (last === undefined) return null;
  const more = describeOthers(view.deliveries.slice(0, -1), messages);
  const known = last.fate === null ? onItsWay(last, view, messages) : settled(last.fate, messages);
  const registered = last.fate?.kind === 'registered';
  const choice = registered ? messages.outcome.choice(last.optionName) : last.optionName;
  return { ...known, choice, more, receipt: hasReceipt(last) ? last.key : null };
}

type Known = Pick<OutcomeText, 'tone' | 'title' | 'text'>;

function onItsWay(delivery: Delivery, { trouble, durable }: OutboxView, messages: Messages): Known {
  const { outcome } = messages;
  if (trouble === 'no_answer') {
    return { tone: 'waiting', title: outcome.kept, text: outcome.noNetwork(durable) };
  }
  if (trouble === 'busy') {
    return { tone: 'waiting', title: outcome.kept, text: outcome.busy(durable) };
  }
  if (delivery.mustAsk || delivery.pendingAnswers > 0) {
    return { tone: 'waiting', title: outcome.asking, text: outcome.askingText };
  }
  return { tone: 'waiting', title: outcome.sending, text: outcome.sendingText };
}

function settled(fate: Fate, messages: Messages): Known {
  const { outcome } = messages;
  switch (fate.kind) {
    case 'registered':
      return {
        tone: 'good',
        title: outcome.registered,
        text: fate.counted ? outcome.countedText : outcome.registeredText,
      };
    case 'refused':
      return { tone: 'bad', title: outcome.refused, text: outcome.refusal(fate.code) };
    case 'missed':
      return { tone: 'bad', title: outcome.missed, text: outcome.missedText };
    case 'not_counted':
      return {
        tone: 'bad',
        title: outcome.notCounted,
        text: outcome.receiptStatus[fate.status],
      };
    case 'unsettled':
      return { tone: 'waiting', title: outcome.unsettled, text: outcome.unsettledText };
  }
}

function describeOthers(others: readonly Delivery[], { outcome }: Messages): string {
  const waiting = others.filter(({ fate }) => fate === null).length;
  const failed = others.filter(({ fate }) => fate !== null && fate.kind !== 'registered').length;
  const said = [waiting > 0 && outcome.more(waiting), failed > 0 && outcome.moreFailed(failed)];
  return said.filter((part) => part !== false).join(' ');
}

function hasReceipt({ fate }: Delivery): boolean {
  return fate !== null && fate.kind !== 'refused' && fate.kind !== 'missed';
}
