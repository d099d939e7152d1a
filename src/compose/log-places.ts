/** The logs of votes that an installation's catalogue knows, for commands beside the roles. */
import { ApuraError } from '../domain/errors.ts';
import type { Catalogue } from '../ports/catalogue.ts';
import type { LogPlace } from './engines.ts';

/** Oldest first. @throws ApuraError `invalid_config`: the catalogue knows of none. */
export async function knownLogPlaces(
  catalogue: Pick<Catalogue, 'logs'>,
): Promise<readonly [LogPlace, ...LogPlace[]]> {
  const logs = await catalogue.logs();
  const [oldest, ...newer] = logs.map((settings, generation) => ({ settings, generation }));
  if (oldest !== undefined) return [oldest, ...newer];
  throw new ApuraError('invalid_config', 'The catalogue knows of no log yet: see APURA_LEDGER.');
}
