/**
 * The standard health service (grpc.health.v1), as balancers and orchestrators ask it. Our own, because
 * the library for it reads a file beside itself, which an executable does not have.
 */
import { create, type FileRegistry, fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import { callStatus } from './call-status.ts';
import { type RawServerStream, type RawUnary, rawMethod } from './raw-method.ts';
import { messageOf } from './wire-contract.ts';

const HEALTH_SERVICE = 'grpc.health.v1.Health';
const SERVING = 1;
const NOT_SERVING = 2;
const SERVICE_UNKNOWN = 3;

/** How soon watchers learn of a change, ms. */
const HEALTH_LOOK_MS = 500;

export const HEALTH_METHODS = {
  check: rawMethod(`/${HEALTH_SERVICE}/Check`),
  list: rawMethod(`/${HEALTH_SERVICE}/List`),
  watch: rawMethod(`/${HEALTH_SERVICE}/Watch`, { request: false, response: true }),
};

export interface HealthDeps {
  readonly contract: FileRegistry;
  /** The services that this process has; the empty name stands for all of it. */
  readonly services: readonly string[];
  readonly isReady: () => boolean;
}

export function healthHandlers({ contract, services, isReady }: HealthDeps): {
  readonly check: RawUnary;
  readonly list: RawUnary;
  readonly watch: RawServerStream;
} {
  const request = messageOf(contract, 'grpc.health.v1.HealthCheckRequest');
  const response = messageOf(contract, 'grpc.health.v1.HealthCheckResponse');
  const listResponse = messageOf(contract, 'grpc.health.v1.HealthListResponse');
  const names = ['', ...services];
  const serviceIn = (bytes: Uint8Array): string =>
    (fromBinary(request, bytes) as Message & { readonly service: string }).service;
  const statusOf = (service: string): number => {
    if (!names.includes(service)) return SERVICE_UNKNOWN;
    return isReady() ? SERVING : NOT_SERVING;
  };
  const encode = (status: number): Uint8Array => toBinary(response, create(response, { status }));
  const malformed = callStatus({
    code: 'malformed_request',
    detail: 'The bytes are no HealthCheckRequest.',
    retryAfterMs: null,
  });

  return {
    check(call, callback) {
      let service: string;
      try {
        service = serviceIn(call.request);
      } catch {
        return callback(malformed);
      }
      const status = statusOf(service);
      if (status !== SERVICE_UNKNOWN) return callback(null, encode(status));
      const detail = 'This process has no service of that name.';
      callback(callStatus({ code: 'not_found', detail, retryAfterMs: null }));
    },
    list(_call, callback) {
      const statuses = Object.fromEntries(names.map((name) => [name, { status: statusOf(name) }]));
      callback(null, toBinary(listResponse, create(listResponse, { statuses })));
    },
    watch(call) {
      let service: string;
      try {
        service = serviceIn(call.request);
      } catch {
        call.emit('error', malformed);
        return;
      }
      let shown = statusOf(service);
      call.write(encode(shown));
      const look = setInterval(() => {
        const status = statusOf(service);
        if (status !== shown) call.write(encode(status));
        shown = status;
      }, HEALTH_LOOK_MS);
      const stop = (): void => clearInterval(look);
      call.on('cancelled', stop);
      call.on('close', stop);
    },
  };
}
