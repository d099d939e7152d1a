/** Metering in a query process: the door of pulses, and every store that is asked. */
import { openPatiently, type RoleContext } from '../roles/process.ts';
import { openPulseDoorApart, type PulseDoorApart } from './door-apart.ts';
import { logParts } from './log-parts.ts';
import type { MeteringParts } from './use-cases.ts';

export interface MeteringReader extends PulseDoorApart {
  /** What the use cases are bound to. */
  readonly parts: MeteringParts;
}

/** @param fail told once when the log's storage has failed: the process must end. */
export async function openMeteringReader(
  context: RoleContext,
  fail: (error: Error) => void,
): Promise<MeteringReader> {
  const { engines, clock } = context;
  await using cleanup = new AsyncDisposableStack();
  const door = cleanup.use(await openPulseDoorApart(context, fail));
  const { pulses, usage } = door.places;
  const ledger = cleanup.use(
    await openPatiently(context, 'pulse ledger', () => engines.pulseLedger(pulses.settings.logId)),
  );
  const book = cleanup.use(
    await openPatiently(context, 'rating book', () => engines.ratingBook(usage.settings.logId)),
  );
  const usageLog = cleanup.use(
    await openPatiently(context, 'log of usage', () => engines.log(usage)),
  );
  const resources = cleanup.move();
  return {
    ...door,
    parts: {
      clock,
      catalogue: door.catalogue,
      view: door.view,
      ledger,
      letters: ledger.deadLetters,
      book,
      pulses: logParts(door.log),
      usage: logParts(usageLog),
      appendControl: (partition, payload) => door.writer.appendControl(partition, payload),
      // The roles that aggregate do so by their own clocks.
      trigger: () => {},
    },
    [Symbol.asyncDispose]: () => resources.disposeAsync(),
  };
}
