/** The transport of usage straight to the rating service, as the settings say. */
import type { Config } from '../../config/config.ts';
import { openGrpcUsageTransport } from '../../edge/grpc/usage-transport.ts';
import { openConnectUsageTransport } from '../../edge/http/connect-usage-transport.ts';
import type { UsageTransport } from '../../ports/usage-transport.ts';
import { tlsOf } from '../tls.ts';

/** With https the certificate of our own settings is believed beside the system's. */
export function openDirectUsageTransport(
  config: Config,
  { kind, url }: Exclude<Config['usageTransport'], { readonly kind: 'broker' }>,
): UsageTransport {
  const { adminToken } = config;
  if (adminToken === null) throw new Error('The settings were not checked.');
  const tls = tlsOf(config);
  const open = kind === 'grpc' ? openGrpcUsageTransport : openConnectUsageTransport;
  return open({
    url,
    token: adminToken,
    authorities: tls === null ? null : Buffer.from(tls.cert),
  });
}
