/** The doors of pulses in one process: who may send, the gRPC port, and what the HTTP port asks. */
import { ApiKeys } from '../../application/metering/api-keys.ts';
import type { CatalogueView } from '../../application/metering/catalogue-view.ts';
import type { PulseDoor } from '../../application/metering/pulse-door.ts';
import type { Config } from '../../config/config.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import { type GrpcServer, startGrpcServer } from '../../edge/grpc/server.ts';
import { readWireContract } from '../../edge/grpc/wire-contract.ts';
import { trustProxies } from '../../edge/http/client-address.ts';
import { CloudEventsRoute } from '../../edge/http/cloud-events-route.ts';
import { ConnectRoute } from '../../edge/http/connect-route.ts';
import { ConnectUsageRoute } from '../../edge/http/connect-usage-route.ts';
import type { Operators } from '../../edge/http/operators.ts';
import { PulseIngest } from '../../edge/http/pulse-ingest.ts';
import { matchesSha256 } from '../../edge/http/pulse-key-secret.ts';
import { usageIntake } from '../../edge/http/usage-intake.ts';
import type { Clock } from '../../ports/clock.ts';
import type { Logger } from '../../telemetry/logger.ts';
import { tlsOf } from '../tls.ts';

export interface PulseFrontDeps {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly operators: Pick<Operators, 'tryToken'>;
  readonly view: Pick<CatalogueView, 'get' | 'ageMs'>;
  /** Null where this process takes no pulses. */
  readonly door: Pick<PulseDoor, 'ingest'> | null;
  /** Null where this process does not rate. */
  readonly putUsage: ((records: readonly UsageRecord[]) => Promise<void>) | null;
  readonly isReady: () => boolean;
  /** Why no pulses may be taken now; null while they may, and where there is no door. */
  readonly trouble: () => string | null;
}

export interface PulseFront extends AsyncDisposable {
  readonly keys: ApiKeys;
  /** Of the HTTP port; null where this process takes no pulses. */
  readonly routes: {
    readonly connect: ConnectRoute;
    readonly cloudEvents: CloudEventsRoute;
  } | null;
  /** Of the HTTP port; null where this process does not rate. */
  readonly usage: ConnectUsageRoute | null;
  /** Of gRPC. */
  readonly url: string;
  readonly grpc: Pick<GrpcServer, 'connections' | 'calls' | 'streams' | 'cutOff'>;
}

const NO_DOOR: Pick<PulseDoor, 'ingest'> = { ingest: async () => ({ kind: 'unavailable' }) };

/** @throws ApuraError `port_in_use`; `invalid_config` where the address or the certificate won't do. */
export async function openPulseFront(deps: PulseFrontDeps): Promise<PulseFront> {
  const { config, clock, logger, operators, view, door } = deps;
  const keys = new ApiKeys({
    view,
    clock,
    matchesSha256,
    tryOperatorToken: (token, remoteAddress) => operators.tryToken(token, remoteAddress),
  });
  const ingest = new PulseIngest({ door: door ?? NO_DOOR, keys, trouble: deps.trouble });
  const reportFailure = (err: unknown): void => logger.error({ err }, 'a call has failed');
  const server = await startGrpcServer({
    host: config.httpHost,
    port: config.grpcPort,
    portName: 'APURA_GRPC_PORT',
    tls: tlsOf(config),
    pulses: ingest,
    takesPulses: door !== null,
    putUsage: deps.putUsage,
    isReady: deps.isReady,
    clientAddress: trustProxies(config.trustedProxies),
    clock,
    reportFailure,
  });
  const contract = readWireContract();
  const { putUsage } = deps;
  const routes =
    door === null
      ? null
      : {
          connect: new ConnectRoute({ pulses: ingest, contract }),
          cloudEvents: new CloudEventsRoute({ pulses: ingest }),
        };
  return {
    keys,
    routes,
    usage:
      putUsage === null
        ? null
        : new ConnectUsageRoute({
            pulses: ingest,
            take: usageIntake({ putUsage, reportFailure }),
            contract,
          }),
    url: server.url,
    grpc: server,
    [Symbol.asyncDispose]: () => server.stop(),
  };
}
