/** The promises of the live feed port, as tests that every adapter runs. */
import { afterEach, beforeEach, describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import type { MinuteTotal } from '../domain/counting/step-totals.ts';
import type { LiveFeed, TallyFrame } from './live-feed.ts';

/** Both ends of one feed, as two processes would have them. Disposing it removes it. */
export interface LiveFeedUnderTest extends AsyncDisposable {
  readonly publisher: LiveFeed;
  readonly subscriber: LiveFeed;
}

const RUNS = 40;
const RANDOM_TIMEOUT_MS = 180_000;

export function liveFeedContract(name: string, create: () => Promise<LiveFeedUnderTest>): void {
  describe(`live feed contract: ${name}`, () => {
    let feed: LiveFeedUnderTest;

    beforeEach(async () => {
      feed = await create();
    });

    afterEach(async () => {
      await feed[Symbol.asyncDispose]();
    });

    test('a frame reaches every subscriber as it was published', async () => {
      const viewers = [0, 1, 2].map(() => follow(feed.subscriber));
      const published: TallyFrame = {
        scope: 'poll-a',
        items: new Map([
          ['ana', 12],
          ['bruno', 0],
        ]),
        flagged: new Map([['ana', 1]]),
        minutes: [minute(29_000_000, 12)],
        version: 2 ** 40,
        asOf: 1_795_000_000_000,
        lagMs: 12.5,
        stale: true,
      };
      feed.publisher.publish(published);
      for (const viewer of viewers) {
        await viewer.until('poll-a', published.version);
        expect(viewer.frames).toEqual([published]);
      }
    });

    test('a subscriber gets the whole of each scope at first, then every later frame', async () => {
      const early = follow(feed.subscriber);
      const published = [
        { ...frame('poll-a', 1), minutes: [minute(7, 3), minute(8, 1)] },
        { ...frame('poll-a', 2), minutes: [minute(8, 5)] },
        { ...frame('poll-b', 7), minutes: [minute(7, 1)] },
        { ...frame('poll-a', 3), minutes: [minute(9, 2)] },
      ];
      for (const one of published) feed.publisher.publish(one);
      await early.until('poll-b', 7);
      await early.until('poll-a', 3);
      expect(early.frames).toEqual(published);

      const late = follow(feed.subscriber);
      await late.until('poll-a', 3);
      await late.until('poll-b', 7);
      expect(late.frames).toHaveLength(2);
      const [whole] = late.of('poll-a');
      expect(minutesOf(whole?.minutes ?? [])).toEqual([minute(7, 3), minute(8, 5), minute(9, 2)]);
      expect({ ...whole, minutes: [] }).toEqual({ ...frame('poll-a', 3), minutes: [] });
      expect(late.of('poll-b')).toEqual([published[2] ?? frame('', 0)]);

      const next = { ...frame('poll-a', 4), minutes: [minute(7, 4)] };
      feed.publisher.publish(next);
      await late.until('poll-a', 4);
      expect(late.frames).toHaveLength(3);
      expect(late.frames.at(-1)).toEqual(next);
    });

    test('the counts of lanes and items are whole apart', async () => {
      const others = [
        minute(7, 1),
        { ...minute(7, 2), item: 'bruno' },
        { ...minute(7, 3), lane: 'flagged' as const },
      ];
      feed.publisher.publish({ ...frame('poll-a', 1), minutes: others });
      feed.publisher.publish({ ...frame('poll-a', 2), minutes: [minute(7, 9)] });
      const late = follow(feed.subscriber);
      await late.until('poll-a', 2);
      const [whole] = late.of('poll-a');
      expect(minutesOf(whole?.minutes ?? [])).toEqual(
        minutesOf([minute(7, 9), ...others.slice(1)]),
      );
    });

    test('no frame is left out, however many come at once', async () => {
      const viewer = follow(feed.subscriber);
      const versions = Array.from({ length: 500 }, (_, index) => index + 1);
      for (const version of versions) feed.publisher.publish(frame('poll-a', version));
      await viewer.until('poll-a', 500);
      expect(viewer.versions('poll-a')).toEqual(versions);
    });

    test('a subscription that was disposed of hears nothing more; the others do', async () => {
      const gone = follow(feed.subscriber);
      const staying = follow(feed.subscriber);
      feed.publisher.publish(frame('poll-a', 1));
      await gone.until('poll-a', 1);
      gone.subscription[Symbol.dispose]();
      gone.subscription[Symbol.dispose]();
      feed.publisher.publish(frame('poll-a', 2));
      await staying.until('poll-a', 2);
      expect(gone.versions('poll-a')).toEqual([1]);
    });

    test('a subscriber that leaves from inside its callback keeps no other from its frame', async () => {
      const subscription: Disposable = feed.subscriber.subscribe(() => {
        subscription[Symbol.dispose]();
      });
      const staying = follow(feed.subscriber);
      for (const version of [1, 2]) feed.publisher.publish(frame('poll-a', version));
      await staying.until('poll-a', 2);
    });

    test('a subscriber that publishes turns no order round for the others', async () => {
      const before = follow(feed.subscriber);
      feed.subscriber.subscribe((seen) => {
        if (seen.version < 5) feed.publisher.publish(frame('poll-a', seen.version + 1));
      });
      const after = follow(feed.subscriber);
      feed.publisher.publish(frame('poll-a', 1));
      for (const viewer of [before, after]) {
        await viewer.until('poll-a', 5);
        expect(viewer.versions('poll-a')).toEqual([1, 2, 3, 4, 5]);
      }
    });

    test('a subscriber that throws keeps no other from its frame', async () => {
      feed.subscriber.subscribe(() => {
        throw new Error('injected');
      });
      const staying = follow(feed.subscriber);
      for (const version of [1, 2]) {
        try {
          feed.publisher.publish(frame('poll-a', version));
        } catch {
          // Where both ends share a thread, the publisher may hear of it.
        }
      }
      await staying.until('poll-a', 2);
    });

    test(
      'whatever is published and whoever comes late, all put together the same counts',
      async () => {
        const publications = fc.array(
          fc.record({
            scope: fc.constantFrom('poll-a', 'poll-b', 'poll-c'),
            minutes: fc.array(fc.tuple(fc.nat(3), fc.nat(9)), { maxLength: 3 }),
            newViewer: fc.boolean(),
          }),
          { maxLength: 30 },
        );
        const run = fc.asyncProperty(publications, async (sequence) => {
          await using under = await create();
          const viewers = [follow(under.subscriber)];
          const published: TallyFrame[] = [];
          for (const [index, { scope, minutes, newViewer }] of sequence.entries()) {
            const totals = minutes.map(([at, count]) => minute(at, count));
            const one = { ...frame(scope, index), minutes: totals };
            published.push(one);
            under.publisher.publish(one);
            if (newViewer) viewers.push(follow(under.subscriber));
          }
          for (const viewer of viewers) {
            for (const scope of new Set(published.map((one) => one.scope))) {
              const all = published.filter((one) => one.scope === scope);
              await viewer.until(scope, all.at(-1)?.version ?? 0);
              const seen = viewer.versions(scope);
              expect(seen).toEqual(all.map(({ version }) => version).slice(-seen.length));
              expect(minutesOf(viewer.of(scope).flatMap((one) => one.minutes))).toEqual(
                minutesOf(all.flatMap((one) => one.minutes)),
              );
            }
          }
        });
        await fc.assert(run, { numRuns: RUNS });
      },
      RANDOM_TIMEOUT_MS,
    );
  });
}

interface Viewer {
  readonly frames: readonly TallyFrame[];
  readonly subscription: Disposable;
  of(scope: string): readonly TallyFrame[];
  versions(scope: string): readonly number[];
  /** Resolves once a frame of this scope and version has come. */
  until(scope: string, version: number): Promise<void>;
}

function follow(feed: LiveFeed): Viewer {
  const frames: TallyFrame[] = [];
  const waiting = new Set<() => void>();
  const subscription = feed.subscribe((seen) => {
    frames.push(seen);
    for (const look of waiting) look();
  });
  const of = (scope: string) => frames.filter((seen) => seen.scope === scope);
  return {
    frames,
    subscription,
    of,
    versions: (scope) => of(scope).map(({ version }) => version),
    until(scope, version) {
      return new Promise((resolve) => {
        const look = () => {
          if (!of(scope).some((seen) => seen.version === version)) return;
          waiting.delete(look);
          resolve();
        };
        waiting.add(look);
        look();
      });
    },
  };
}

/** What a viewer knows who has put these together: the last count of each item, lane and minute. */
function minutesOf(totals: readonly MinuteTotal[]): readonly MinuteTotal[] {
  const known = new Map(totals.map((one) => [`${one.minute} ${one.lane} ${one.item}`, one]));
  return [...known].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, one]) => one);
}

function minute(at: number, count: number): MinuteTotal {
  return { scope: 'poll-a', item: 'ana', lane: 'valid', minute: at, count };
}

function frame(scope: string, version: number): TallyFrame {
  return {
    scope,
    items: new Map([['ana', version]]),
    flagged: new Map(),
    minutes: [],
    version,
    asOf: 1_795_000_000_000 + version,
    lagMs: 40,
    stale: false,
  };
}
