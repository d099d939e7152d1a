/** Metering in a query process: the door of pulses, and every store that is asked. */
import { openPatiently, type RoleContext } from '../roles/process.ts';
import { openPulseDoorApart, type PulseDoorApart, type PulseDoorOptions } from './door-apart.ts';
import { logParts } from './log-parts.ts';
import type { MeteringParts } from './use-cases.ts';

export interface MeteringReader extends PulseDoorApart {
  /** What the use cases are bound to. */
  readonly parts: MeteringParts;
}

export async function openMeteringReader(
  context: RoleContext,
  options: PulseDoorOptions,
): Promise<MeteringReader> {
  const { engines, clock } = context;
  await using cleanup = new AsyncDisposableStack();
  const door = cleanup.use(await openPulseDoorApart(context, options));
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
