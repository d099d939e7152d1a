/** Two schedules side by side, as after a take-over that the first has not noticed yet. */
import { expect, test } from 'bun:test';
import fc from 'fast-check';
import { sampleChange, samplePoll } from '../../../test/support/catalogue-samples.ts';
import { MemoryCatalogue, MemoryCatalogueStore } from '../../adapters/memory/catalogue.ts';
import { ManualClock } from '../../adapters/memory/clock.ts';
import type { Poll } from '../../domain/voting/poll.ts';
import { decodePollRecord, encodePollRecord } from '../../domain/voting/poll-record.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { PollDirectory } from './poll-directory.ts';
import { EFFECT_DELAY_APART_MS, PublishPollChanges } from './publish-poll-changes.ts';
import { RunPollSchedule } from './run-poll-schedule.ts';

const START = Date.parse('2026-11-21T20:00:00Z');
const SETTINGS = { acceptanceBoundMs: 5_000, clockBoundMs: 2_000 };
const GRACE_MS = SETTINGS.acceptanceBoundMs + 2 * SETTINGS.clockBoundMs;

/** What both schedules work on. */
interface Shared {
  readonly catalogue: MemoryCatalogueStore;
  readonly control: Uint8Array[];
  /** When each CLOSE was appended, by the true time. */
  readonly closes: { readonly poll: string; readonly at: number }[];
}

type Turn = (what: string) => Promise<unknown>;

/** A sync process: a schedule with all that it stands on, each of its calls in its turn. */
class Closer {
  readonly directory = new PollDirectory();
  readonly clock = new ManualClock(START);
  readonly schedule: RunPollSchedule;
  #position = 0;

  constructor(shared: Shared, clockError: number, turn: Turn) {
    this.clock.jump(clockError);
    const store = new MemoryCatalogue(shared.catalogue);
    const catalogue: Catalogue = new Proxy(store, {
      get: (target, name: keyof Catalogue) => {
        const method = Reflect.get(target, name) as (...args: unknown[]) => Promise<unknown>;
        return async (...args: unknown[]) => {
          await turn(String(name));
          return method.apply(target, args);
        };
      },
    });
    const { clock, directory } = this;
    const publisher = new PublishPollChanges({
      catalogue,
      directory,
      clock,
      effectDelayMs: EFFECT_DELAY_APART_MS,
      appendControl: async (payload) => {
        await turn('append');
        return shared.control.push(payload) - 1;
      },
      applied: async () => this.follow(shared),
    });
    this.schedule = new RunPollSchedule({
      catalogue,
      clock,
      publisher,
      directory,
      effectDelayMs: EFFECT_DELAY_APART_MS,
      settings: SETTINGS,
      appendClose: async ({ id }: Poll) => {
        await turn('close');
        shared.closes.push({ poll: id, at: clock.now() - clockError });
      },
      storesPassed: async ({ id }: Poll) => {
        await turn('passed');
        return shared.closes.some(({ poll }) => poll === id);
      },
    });
  }

  follow({ control }: Shared): void {
    for (const payload of control.slice(this.#position)) {
      this.directory.apply(decodePollRecord(payload));
    }
    this.#position = control.length;
  }
}

test('two schedules side by side open, shut and close a poll once, and no earlier than one would', async () => {
  const step = fc.record({
    /** Which of them take a step, which have read the control partition before, and how long after. */
    steps: fc.tuple(fc.boolean(), fc.boolean()),
    reads: fc.tuple(fc.boolean(), fc.boolean()),
    afterMs: fc.integer({ min: 0, max: 4_000 }),
  });
  const run = fc.asyncProperty(
    fc.scheduler(),
    fc.array(step, { minLength: 5, maxLength: 25 }),
    fc.integer({ min: -2_000, max: 2_000 }),
    async (s, made, clockError) => {
      const shared: Shared = {
        catalogue: new MemoryCatalogueStore(),
        control: [],
        closes: [],
      };
      const closers = [0, clockError].map(
        (error) => new Closer(shared, error, (what) => s.schedule(Promise.resolve(), what)),
      );
      const direct = new MemoryCatalogue(shared.catalogue);
      const poll = samplePoll({
        state: 'scheduled',
        opensAt: START + 1_000,
        closesAt: START + 5_000,
      });
      await direct.putPoll(sampleChange(poll));
      shared.control.push(encodePollRecord({ type: 'poll', effectiveAt: START, poll }));
      await direct.markPublished(poll.id, 1);
      // In the end both read and step until there is nothing left to do.
      const last = { steps: [true, true], reads: [true, true], afterMs: 20_000 } as const;
      for (const { steps, reads, afterMs } of [...made, last, last, last]) {
        const work = closers.map(async (closer, index) => {
          closer.clock.advance(afterMs);
          if (reads[index] === true) closer.follow(shared);
          if (steps[index] === true) await closer.schedule.step();
        });
        await s.waitFor(Promise.all(work));
      }
      expect((await direct.poll(poll.id))?.state).toBe('closed');
      const { acts } = await direct.acts(poll.id, null, 100);
      const names = acts.map(({ act }) => act).reverse();
      // The one that was behind may have found the deadline past before the opening was noted.
      expect([
        ['create', 'open', 'close', 'closed'],
        ['create', 'close', 'closed'],
      ]).toContainEqual(names);
      // CLOSE twice changes nothing, so each may append it once; neither may be early.
      expect(shared.closes.length).toBeGreaterThanOrEqual(1);
      expect(shared.closes.length).toBeLessThanOrEqual(2);
      const dueAt = START + 5_000 + GRACE_MS - Math.max(clockError, 0);
      for (const { at } of shared.closes) expect(at).toBeGreaterThanOrEqual(dueAt);
      for (const closer of closers) {
        closer.follow(shared);
        expect(closer.directory.newest(poll.id)?.poll.state).toBe('closed');
      }
    },
  );
  await fc.assert(run, { numRuns: 100 });
});
