/**
 * The gRPC port: pulses in, usage in where this process rates it, and the standard services beside them.
 * Connections are ours: HTTP/2 and gRPC get them behind a guard, with a bound on everything.
 */
import { createServer as createTcpServer, type Socket, type Server as TcpServer } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { ApuraError } from '../../domain/errors.ts';
import type { UsageRecord } from '../../domain/metering/usage.ts';
import type { Clock } from '../../ports/clock.ts';
import type { ClientAddress } from '../http/client-address.ts';
import { PULSE_REQUEST_BYTES_MAX, type PulseIngest } from '../http/pulse-ingest.ts';
import { USAGE_SERVICE } from '../http/usage-intake.ts';
import { Admission, type AdmissionLimits, type CallCutOff } from './admission.ts';
import { type Breach, FRAME_LIMITS, FrameGuard, type FrameLimits } from './frame-guard.ts';
import { GuardedSocket } from './guarded-socket.ts';
import { HEALTH_METHODS, healthHandlers } from './health-service.ts';
import { PULSE_METHODS, PULSE_SERVICE, pulseHandlers, type StreamLimits } from './pulse-service.ts';
import { REFLECTION_METHODS, reflectionHandlers } from './reflection-service.ts';
import { USAGE_METHODS, usageHandlers } from './usage-service.ts';
import { readWireContract } from './wire-contract.ts';

export interface GrpcLimits extends AdmissionLimits, StreamLimits {
  readonly connectionsMax: number;
  /** Calls under way on one connection; further ones are refused by HTTP/2, which clients wait for. */
  readonly connectionCallsMax: number;
  /** How long a new connection may say nothing, ms. */
  readonly connectionSilenceMsMax: number;
  /** How long a connection may have no call, ms. */
  readonly connectionIdleMsMax: number;
  /** How long a connection lasts before its client is asked to open another, ms; and then at most. */
  readonly connectionAgeMsMax: number;
  readonly connectionAgeGraceMs: number;
  /** A peer that is not heard of for so long is asked whether it lives, and how long it has, ms. */
  readonly keepaliveMs: number;
  readonly keepaliveTimeoutMs: number;
  /** Of a request, packed or not. */
  readonly messageBytesMax: number;
  readonly frames: FrameLimits;
}

const MINUTE_MS = 60_000;

const GRPC_LIMITS: GrpcLimits = {
  connectionsMax: 1_000,
  connectionCallsMax: 100,
  connectionSilenceMsMax: 10_000,
  connectionIdleMsMax: 10 * MINUTE_MS,
  connectionAgeMsMax: 60 * MINUTE_MS,
  connectionAgeGraceMs: MINUTE_MS,
  keepaliveMs: MINUTE_MS,
  keepaliveTimeoutMs: 20_000,
  messageBytesMax: PULSE_REQUEST_BYTES_MAX,
  callsMax: 2_000,
  callMsMax: MINUTE_MS,
  streamBatchesMax: 8,
  streamAgeMsMax: 30 * MINUTE_MS,
  streamSilenceMsMax: 5 * MINUTE_MS,
  frames: FRAME_LIMITS,
};

const SWEEP_MS = 1_000;
const STOP_GRACE_MS = 3_000;

export interface GrpcServerDeps {
  readonly host: string;
  /** 0 lets the system choose. */
  readonly port: number;
  /** The variable that sets the port, for the words of an error. */
  readonly portName: string;
  readonly tls: { readonly cert: string; readonly key: string } | null;
  readonly pulses: PulseIngest;
  /** Whether this process takes pulses. */
  readonly takesPulses: boolean;
  /** Where usage goes; null where this process does not rate. */
  readonly putUsage: ((records: readonly UsageRecord[]) => Promise<void>) | null;
  /** Whether the process is ready, as the health service says it. */
  readonly isReady: () => boolean;
  readonly clientAddress: ClientAddress;
  readonly clock: Clock;
  readonly reportFailure: (error: unknown) => void;
  readonly limits?: Partial<GrpcLimits>;
}

export type CutOff = Breach | CallCutOff | 'silence' | 'connections';

export interface GrpcServer {
  readonly port: number;
  readonly url: string;
  readonly connections: number;
  /** Calls under way. */
  readonly calls: number;
  /** Of these: streams. */
  readonly streams: number;
  /** How many connections and calls were cut off, and why. */
  readonly cutOff: ReadonlyMap<CutOff, number>;
  /** Takes no more connections and calls, lets those end for a while, then closes what is left. */
  stop(): Promise<void>;
}

/** @throws ApuraError `port_in_use`; `invalid_config` where the address or the certificate won't do. */
export async function startGrpcServer(deps: GrpcServerDeps): Promise<GrpcServer> {
  const limits: GrpcLimits = { ...GRPC_LIMITS, ...deps.limits };
  const monotonic = (): number => deps.clock.monotonic();
  const cutOff = new Map<CutOff, number>();
  const count = (why: CutOff): void => {
    cutOff.set(why, (cutOff.get(why) ?? 0) + 1);
  };
  const admission = new Admission({
    onCutOff: count,
    pulses: deps.pulses,
    clientAddress: deps.clientAddress,
    monotonic,
    limits,
    needOf: (path) => {
      if (path === USAGE_METHODS.putUsage.path) return 'operator';
      return path.startsWith(`/${PULSE_SERVICE}/`) ? 'sender' : 'nobody';
    },
  });
  const grpc = new Server({
    'grpc.enable_channelz': 0,
    'grpc.max_concurrent_streams': limits.connectionCallsMax,
    'grpc.max_receive_message_length': limits.messageBytesMax,
    'grpc.max_connection_idle_ms': limits.connectionIdleMsMax,
    'grpc.max_connection_age_ms': limits.connectionAgeMsMax,
    'grpc.max_connection_age_grace_ms': limits.connectionAgeGraceMs,
    'grpc.keepalive_time_ms': limits.keepaliveMs,
    'grpc.keepalive_timeout_ms': limits.keepaliveTimeoutMs,
    interceptors: [admission.interceptor],
  });
  addServices(grpc, deps, admission, limits);
  const injector = grpc.createConnectionInjector(ServerCredentials.createInsecure());
  const sockets = new Set<Socket>();
  // Of each connection, before TLS has begun.
  const admit = (socket: Socket): void => {
    if (sockets.size >= limits.connectionsMax) {
      count('connections');
      socket.destroy();
      return;
    }
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
  };
  const accept = (socket: Socket): void => {
    if (socket.destroyed) return;
    const guarded = new GuardedSocket(socket, {
      guard: new FrameGuard(limits.frames, monotonic),
      silenceMsMax: limits.connectionSilenceMsMax,
      onBreach: count,
    });
    // A client that is gone is no failure of ours.
    guarded.on('error', () => {});
    injector.injectConnection(guarded);
  };
  const listener = listenerOf(deps, limits, admit, accept, () => count('silence'));
  const port = await listen(listener, deps);
  const sweeping = setInterval(() => admission.sweep(), SWEEP_MS);
  return {
    port,
    url: `${deps.tls === null ? 'http' : 'https'}://${shown(deps.host)}:${port}`,
    cutOff,
    get connections() {
      return sockets.size;
    },
    get calls() {
      return admission.underWay;
    },
    get streams() {
      return admission.streams;
    },
    async stop() {
      clearInterval(sweeping);
      const closed = new Promise<void>((resolve) => listener.close(() => resolve()));
      injector.drain(STOP_GRACE_MS);
      const { promise: late, resolve } = Promise.withResolvers<void>();
      const timer = setTimeout(resolve, STOP_GRACE_MS);
      await Promise.race([closed, late]);
      clearTimeout(timer);
      for (const socket of sockets) socket.destroy();
      grpc.forceShutdown();
      await closed;
    },
  };
}

function addServices(
  grpc: Server,
  deps: GrpcServerDeps,
  admission: Admission,
  limits: GrpcLimits,
): void {
  const contract = readWireContract();
  const services: string[] = [];
  if (deps.takesPulses) {
    services.push(PULSE_SERVICE);
    const senderOf = admission.senderOf.bind(admission);
    grpc.addService(PULSE_METHODS, pulseHandlers({ pulses: deps.pulses, senderOf, limits }));
  }
  if (deps.putUsage !== null) {
    services.push(USAGE_SERVICE);
    const { putUsage, reportFailure } = deps;
    grpc.addService(USAGE_METHODS, usageHandlers({ putUsage, reportFailure }));
  }
  const { isReady } = deps;
  grpc.addService(HEALTH_METHODS, healthHandlers({ contract, services, isReady }));
  const reflected = [...services, 'grpc.health.v1.Health'];
  grpc.addService(REFLECTION_METHODS, reflectionHandlers({ contract, services: reflected }));
}

function listenerOf(
  { tls }: GrpcServerDeps,
  limits: GrpcLimits,
  admit: (socket: Socket) => void,
  accept: (socket: Socket) => void,
  onLateHandshake: () => void,
): TcpServer {
  if (tls === null) {
    return createTcpServer({ noDelay: true }, (socket) => {
      admit(socket);
      accept(socket);
    });
  }
  try {
    const listener = createTlsServer(
      {
        cert: tls.cert,
        key: tls.key,
        noDelay: true,
        ALPNProtocols: ['h2'],
        minVersion: 'TLSv1.2',
        handshakeTimeout: limits.connectionSilenceMsMax,
      },
      (socket) => {
        if (socket.alpnProtocol === 'h2') accept(socket);
        else socket.destroy();
      },
    );
    listener.on('connection', admit);
    // The runtime tells of a handshake that takes too long, and leaves the connection to us.
    listener.on('tlsClientError', (error, socket) => {
      if (/timeout/.test(error.message)) onLateHandshake();
      socket.destroy();
    });
    return listener;
  } catch (cause) {
    throw unusable(cause, 'The certificate can not be used');
  }
}

async function listen(
  listener: TcpServer,
  { host, port, portName }: GrpcServerDeps,
): Promise<number> {
  try {
    await new Promise<void>((resolve, reject) => {
      listener.once('error', reject);
      listener.listen(port, host, () => {
        listener.off('error', reject);
        resolve();
      });
    });
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? cause.code : null;
    if (code !== 'EADDRINUSE') throw unusable(cause, `Can't listen on ${host}:${port}`);
    throw new ApuraError(
      'port_in_use',
      `Port ${port} is taken by another process; stop it, or choose another with ${portName}.`,
      { cause },
    );
  }
  const address = listener.address();
  return typeof address === 'object' && address !== null ? address.port : port;
}

function unusable(cause: unknown, what: string): ApuraError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new ApuraError('invalid_config', `${what}: ${why}`, { cause });
}

function shown(host: string): string {
  if (host === '0.0.0.0' || host === '::') return 'localhost';
  return host.includes(':') ? `[${host}]` : host;
}
