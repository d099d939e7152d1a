/** Proves that the page tells the voter what is known of a vote, and claims no more. */
import { describe, expect, test } from 'bun:test';
import { type Delivery, type Fate, newDelivery } from './delivery.ts';
import { messagesIn } from './messages-in.ts';
import type { OutboxView } from './outbox.ts';
import { describeOutcome } from './outcome-text.ts';

const messages = messagesIn('pt-BR');
const { outcome } = messages;

function vote(change: Partial<Delivery> = {}): Delivery {
  const made = newDelivery({ localId: 'l', option: 'ana', optionName: 'Ana', chosenAt: 0 });
  return { ...made, key: 'key', ...change };
}

function say(deliveries: readonly Delivery[], view: Partial<OutboxView> = {}) {
  return describeOutcome({ deliveries, durable: true, trouble: 'none', ...view }, messages);
}

const settled = (fate: Fate) => vote({ fate });

test('without a vote there is nothing to say', () => {
  expect(say([])).toBeNull();
});

describe('a vote on its way', () => {
  test('is being sent, and has no receipt to show yet', () => {
    expect(say([vote({ inFlight: true })])).toEqual({
      tone: 'waiting',
      title: outcome.sending,
      choice: 'Ana',
      text: outcome.sendingText,
      more: '',
      receipt: null,
    });
  });

  test('is said to be kept when the network or the server fails, and only where it really is', () => {
    expect(say([vote()], { trouble: 'no_answer' })).toMatchObject({
      title: outcome.kept,
      text: 'Sem conexão. Seu voto está guardado neste aparelho e será enviado assim que a rede voltar.',
    });
    expect(say([vote()], { trouble: 'no_answer', durable: false })?.text).toBe(
      'Sem conexão. Deixe esta página aberta: seu voto será enviado assim que a rede voltar.',
    );
    expect(say([vote()], { trouble: 'busy' })?.text).toBe(outcome.busy(true));
    expect(say([vote()], { trouble: 'busy', durable: false })?.text).toBe(outcome.busy(false));
  });

  test('is being checked once its receipt is asked', () => {
    for (const change of [{ mustAsk: true }, { pendingAnswers: 1 }]) {
      expect(say([vote(change)])).toMatchObject({ tone: 'waiting', title: outcome.asking });
    }
  });
});

describe('a vote whose fate is known', () => {
  const registered = { kind: 'registered', acceptedAt: null } as const;

  test('is registered, will be counted or was counted, with its receipt', () => {
    expect(say([settled({ ...registered, counted: false })])).toMatchObject({
      tone: 'good',
      choice: 'Você votou em Ana',
      text: outcome.registeredText,
      receipt: 'key',
    });
    expect(say([settled({ ...registered, counted: true })])?.text).toBe(outcome.countedText);
  });

  test('is called not counted in the words of its reason', () => {
    expect(say([settled({ kind: 'refused', code: 'poll_closed' })])).toMatchObject({
      tone: 'bad',
      title: outcome.refused,
      text: 'A votação encerrou antes de o voto chegar.',
      receipt: null,
    });
    expect(say([settled({ kind: 'refused', code: 'new_code' })])?.text).toContain('new_code');
    expect(say([settled({ kind: 'missed' })])).toMatchObject({
      tone: 'bad',
      title: outcome.missed,
      receipt: null,
    });
    expect(say([settled({ kind: 'not_counted', status: 'late' })])).toMatchObject({
      tone: 'bad',
      text: outcome.receiptStatus.late,
      receipt: 'key',
    });
  });

  test('is called unsettled when nobody could tell, and keeps its receipt', () => {
    expect(say([settled({ kind: 'unsettled' })])).toMatchObject({
      tone: 'waiting',
      title: outcome.unsettled,
      receipt: 'key',
    });
  });
});

test('the other votes of the device are told of: those waiting and those that failed', () => {
  const registered = settled({ kind: 'registered', acceptedAt: null, counted: false });
  const failed = settled({ kind: 'missed' });
  expect(say([vote(), registered, vote(), failed, vote()])?.more).toBe(
    `${outcome.more(2)} ${outcome.moreFailed(1)}`,
  );
  expect(say([registered, vote()])?.more).toBe('');
});
