/** Logs of one partition as no sane system would write them, for the properties of the count. */
import fc from 'fast-check';
import { event, T0, type TestBlock, type TestEvent, targetOf } from './blocks.ts';
import { NaiveFold } from './naive-fold.ts';

/** So short that it moves over a few blocks, and that ids leave it in every log. */
export const RANDOM_LOG_WINDOW_MS = 20_000;

const SCOPES = ['final', 'semi', 'extra'] as const;
const ITEMS = ['ana', 'bia'] as const;
const ID_NUMBERS = 40;

interface Draft {
  readonly kind: 'events' | 'again' | 'close' | 'act' | 'mark';
  /** From the last block's time; negative where clocks disagree. */
  readonly step: number;
  readonly picks: readonly number[];
  readonly number: number;
  readonly isVoid: boolean;
}

/** An id belongs to one scope for good, as mixing makes sure. */
function pooled(number: number, blockTime: number): TestEvent {
  const scope = SCOPES[number % 7 === 0 ? 1 : number % 11 === 0 ? 2 : 0];
  return event(number, {
    scope,
    item: ITEMS[number % 2] ?? 'ana',
    lane: number % 5 === 0 ? 'flagged' : 'valid',
    time: T0 + (number % 10) * 9_000,
    acceptedAt: blockTime - (number % 3) * 45_000,
  });
}

function buildLog(drafts: readonly Draft[]): TestBlock[] {
  const blocks: TestBlock[] = [];
  const model = new NaiveFold(RANDOM_LOG_WINDOW_MS);
  let time = T0;
  for (const { kind, step, picks, number, isVoid } of drafts) {
    const blockTime = Math.max(T0, time + step);
    time = blockTime;
    let block: TestBlock = { kind: 'mark', blockTime };
    const earlier = blocks[number % Math.max(1, blocks.length)];
    const counted = model.rows.filter(({ verdict }) => verdict === 'counted');
    if (kind === 'events') {
      const events = picks.map((pick) => pooled(pick, blockTime));
      if (events.length > 0) block = { kind: 'events', blockTime, events };
    } else if (kind === 'again' && earlier !== undefined) {
      block = earlier;
    } else if (kind === 'close') {
      block = { kind: 'close', blockTime, scope: SCOPES[number % SCOPES.length] ?? 'final' };
    } else if (kind === 'act') {
      const [first, ...others] = picks.flatMap(
        (pick) => counted[pick % Math.max(1, counted.length)]?.event ?? [],
      );
      if (first !== undefined) {
        const { scope } = first;
        const targets = [first, ...others.filter((other) => other.scope === scope)].map(targetOf);
        const type = isVoid ? 'void' : 'restore';
        block = { kind: 'act', blockTime, type, actId: `act-${number % 12}`, scope, targets };
      }
    }
    blocks.push(block);
    model.take(block);
  }
  return blocks;
}

/**
 * Duplicates, blocks sent again, block times out of order, expired and late events, closes and acts
 * that repeat and cross; acts name counted events only, as operators' do.
 */
export function randomLogs(lengthMax = 40): fc.Arbitrary<TestBlock[]> {
  const kind = fc.oneof(
    { weight: 12, arbitrary: fc.constant('events' as const) },
    { weight: 3, arbitrary: fc.constant('again' as const) },
    { weight: 1, arbitrary: fc.constant('close' as const) },
    { weight: 4, arbitrary: fc.constant('act' as const) },
    { weight: 2, arbitrary: fc.constant('mark' as const) },
  );
  const drafts = fc.array(
    fc.record({
      kind,
      step: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -3_000, max: 7_000 }) },
        { weight: 1, arbitrary: fc.integer({ min: -30_000, max: 30_000 }) },
      ),
      picks: fc.array(fc.nat(ID_NUMBERS - 1), { maxLength: 8 }),
      number: fc.nat(1_000),
      isVoid: fc.boolean(),
    }),
    { maxLength: lengthMax, size: 'max' },
  );
  return drafts.map(buildLog);
}
