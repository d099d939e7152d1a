/** Every route of metering behind its doors, where this process has metering. */
import type { ApiDeps } from './api-deps.ts';
import { chargeRoutes } from './metering-charge-routes.ts';
import { entryRoutes } from './metering-entry-routes.ts';
import { keyRoutes } from './metering-key-routes.ts';
import { letterRoutes } from './metering-letter-routes.ts';
import { overviewRoutes } from './metering-overview-routes.ts';
import { pulseRoutes } from './metering-pulse-routes.ts';
import { ratingRoutes } from './metering-rating-routes.ts';
import { statementRoute } from './metering-statement-routes.ts';
import { usageRoutes } from './metering-usage-routes.ts';
import type { Route } from './route.ts';

type MeteringDeps = Pick<ApiDeps, 'metering' | 'reading' | 'assets'>;

export function meteringRoutes({ metering, reading, assets }: MeteringDeps): readonly Route[] {
  if (metering === undefined || metering === null) return [];
  const { useCases } = metering;
  const { clock } = reading;
  return [
    ...usageRoutes(useCases),
    ...chargeRoutes(useCases),
    statementRoute({ useCases, clock, assets }),
    ...ratingRoutes(useCases),
    ...entryRoutes(useCases),
    ...keyRoutes(useCases),
    ...pulseRoutes(useCases),
    ...letterRoutes(useCases),
    ...overviewRoutes(useCases),
  ];
}
