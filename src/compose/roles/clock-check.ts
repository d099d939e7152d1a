/** Compares a door's clock with the catalogue's, at start and as long as it runs. */
import { ClockWatch } from '../../application/counting/clock-watch.ts';
import { CLOCK_BOUND_MS } from '../../domain/counting/log-settings.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import { repeat } from '../event-loop.ts';
import { openPatiently, type RoleContext } from './process.ts';

const COMPARE_MS = 10_000;

export interface ClockCheck extends AsyncDisposable {
  /** Why the clock can't be gone by; null while it can. */
  readonly trouble: string | null;
}

/** Resolves once the clocks were compared for the first time. */
export async function startClockCheck(
  context: RoleContext,
  catalogue: Pick<Catalogue, 'now'>,
): Promise<ClockCheck> {
  const { clock, logger } = context;
  const watch = new ClockWatch({
    reference: () => catalogue.now(),
    clock,
    boundMs: CLOCK_BOUND_MS,
  });
  await openPatiently(context, 'clock', () => watch.check());
  const stop = repeat(
    COMPARE_MS,
    () => watch.check(),
    (err) => logger.warn({ err }, 'the clocks could not be compared'),
  );
  return {
    get trouble() {
      return watch.trouble;
    },
    [Symbol.asyncDispose]: stop,
  };
}
