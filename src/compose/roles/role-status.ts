/** How a role that has no pages says how it is, until it is stopped: on its port, and to the consoles. */
import type { Readiness } from '../../edge/http/api-deps.ts';
import type { ConnectUsageRoute } from '../../edge/http/connect-usage-route.ts';
import type { ProcessReports } from '../../ports/process-reports.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import { type RoleContext, reportProcess } from './process.ts';
import { processOperations, startStatusServer, troubleOf } from './role-server.ts';

export interface RoleStatus {
  readonly role: string;
  readonly reports: ProcessReports;
  readonly instruments: Instruments;
  readonly readiness: () => Readiness;
  /** Left out where this process does not rate. */
  readonly usage?: ConnectUsageRoute | null;
  /** Called once a second; gives the lag in it, ms, or null. Left out where there is nothing to do. */
  readonly endSecond?: () => number | null;
}

/**
 * Ends with `cleanup`. Returns the address of the port.
 *
 * @throws as `startStatusServer`.
 */
export function showStatus(
  context: RoleContext,
  cleanup: AsyncDisposableStack,
  { role, reports, instruments, readiness, usage = null, endSecond = () => null }: RoleStatus,
): string {
  const server = startStatusServer(context, processOperations(instruments, readiness), usage);
  cleanup.defer(() => server.stop());
  cleanup.defer(
    reportProcess(context, role, reports, () => {
      const lagMs = endSecond();
      return { trouble: troubleOf(readiness()), door: null, lagMs };
    }),
  );
  return server.url;
}
