/** Lets the ledger go of votes by whole days, where the installation is told to keep them for so long only. */
import type { Config } from '../../config/config.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Ledger } from '../../ports/ledger.ts';
import { repeat } from '../event-loop.ts';

const DAY_MS = 86_400_000;
/** A day ends once a day; looking more often finds it soon after a restart. */
const LOOK_MS = 10 * 60_000;

export interface RetentionDeps {
  readonly config: Pick<Config, 'ledgerRetentionDays'>;
  readonly clock: Clock;
  readonly ledgers: readonly Pick<Ledger, 'forget'>[];
  readonly onForgotten: (events: number) => void;
  readonly onTrouble: (error: unknown) => void;
}

/** Looks at once and then now and then, until the result is called; does nothing where all is kept. */
export function startRetention(deps: RetentionDeps): () => Promise<void> {
  const { config, clock, ledgers, onForgotten, onTrouble } = deps;
  const days = config.ledgerRetentionDays;
  if (days === null) return async () => {};
  const look = async (): Promise<void> => {
    for (const ledger of ledgers) {
      const forgotten = await ledger.forget(clock.now() - days * DAY_MS);
      if (forgotten > 0) onForgotten(forgotten);
    }
  };
  const first = look().catch(onTrouble);
  const stop = repeat(LOOK_MS, look, onTrouble);
  return async () => {
    await stop();
    await first;
  };
}
