/** The two logs of metering where roles run apart: their settings, minted once, and how they are opened. */
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { LogPlace } from '../engines.ts';
import { newLogSettings } from '../new-log.ts';

export interface MeteringPlaces {
  /** `resource-consumption`. */
  readonly pulses: LogPlace;
  /** `resource-usage`. */
  readonly usage: LogPlace;
}

/** The first process that asks makes them, with so many partitions each. */
export async function meteringPlaces(
  catalogue: Pick<MeteringCatalogue, 'mintLogSettings'>,
  partitions: number,
): Promise<MeteringPlaces> {
  const mint = async (log: 'resource-consumption' | 'resource-usage'): Promise<LogPlace> => ({
    settings: await catalogue.mintLogSettings(log, newLogSettings(partitions, log)),
    generation: 0,
  });
  return { pulses: await mint('resource-consumption'), usage: await mint('resource-usage') };
}
