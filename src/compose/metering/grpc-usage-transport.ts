/** The transport of usage by gRPC, as the settings say. */
import type { Config } from '../../config/config.ts';
import { openGrpcUsageTransport as open } from '../../edge/grpc/usage-transport.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { tlsOf } from '../tls.ts';

/** `url`: of `apura rate`. With https the certificate of our own settings is believed beside the system's. */
export function openGrpcUsageTransport(config: Config, url: string): UsageTransport {
  const { adminToken } = config;
  if (adminToken === null) throw new Error('The settings were not checked.');
  const tls = tlsOf(config);
  return open({
    url,
    token: adminToken,
    authorities: tls === null ? null : Buffer.from(tls.cert),
  });
}
