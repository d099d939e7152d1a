/**
 * Lets calls in by their headers, before a byte of their messages is read: who calls, how many are under
 * way, and until when each must have ended.
 */
import {
  type Metadata,
  ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
  status,
} from '@grpc/grpc-js';
import type { ClientAddress } from '../http/client-address.ts';
import { isRefusal, type PulseIngest, type PulseSender, refusal } from '../http/pulse-ingest.ts';
import { OPERATORS_ONLY } from '../http/usage-intake.ts';
import { type CallStatus, CODE_TRAILER, callStatus } from './call-status.ts';

export interface AdmissionLimits {
  /** Calls under way in this process. */
  readonly callsMax: number;
  /** How long a call with one request and one answer may take, the sending of the request included, ms. */
  readonly callMsMax: number;
}

export interface AdmissionDeps {
  readonly pulses: Pick<PulseIngest, 'sender'>;
  readonly clientAddress: ClientAddress;
  readonly monotonic: () => number;
  readonly limits: AdmissionLimits;
  /** What a method needs: a sender of pulses, an operator, or nobody in particular. */
  readonly needOf: (path: string) => 'sender' | 'operator' | 'nobody';
  /** Told of each call that was ended for what its client did. */
  readonly onCutOff: (why: CallCutOff) => void;
}

/**
 * - `message_bytes`: a message of more bytes than any may have; `unpacked_bytes`: once it is unpacked.
 * - `slow_call`: one request that took too long to come, or to answer.
 * - `endless_stream`: a stream that was open or silent for too long.
 * - `calls`: one call too many.
 */
export type CallCutOff =
  | 'message_bytes'
  | 'unpacked_bytes'
  | 'slow_call'
  | 'endless_stream'
  | 'calls';

type Ended = Parameters<ServerInterceptingCallInterface['sendStatus']>[0];

const NO_HEADERS = new Headers();
const NO_OPERATOR = callStatus(OPERATORS_ONLY);
const TOO_MANY = callStatus(
  refusal('overloaded', 'Too many calls are under way; nothing was taken.'),
);
const TOO_SLOW = {
  code: status.DEADLINE_EXCEEDED,
  details: 'The call took too long.',
} as const;

export class Admission {
  readonly #deps: AdmissionDeps;
  readonly #senders = new WeakMap<Metadata, PulseSender>();
  /** Calls with one request that are under way, oldest first, and since when. */
  readonly #calls = new Map<ServerInterceptingCallInterface, number>();
  #underWay = 0;
  #streams = 0;

  constructor(deps: AdmissionDeps) {
    this.#deps = deps;
  }

  get underWay(): number {
    return this.#underWay;
  }

  /** Of those under way: streams. */
  get streams(): number {
    return this.#streams;
  }

  /** Who made the call with these headers, which was let in. */
  senderOf(metadata: Metadata): PulseSender {
    const sender = this.#senders.get(metadata);
    if (sender === undefined)
      throw new RangeError('The call was not let in as a sender of pulses.');
    return sender;
  }

  /** Ends the calls that have taken too long. To be called every so often. */
  sweep(): void {
    const before = this.#deps.monotonic() - this.#deps.limits.callMsMax;
    for (const [call, since] of this.#calls) {
      if (since > before) return;
      this.#calls.delete(call);
      this.#deps.onCutOff('slow_call');
      call.sendStatus(TOO_SLOW);
    }
  }

  readonly interceptor: ServerInterceptor = (method, call) => {
    const isStream = method.requestStream || method.responseStream;
    let isOver = false;
    let isStarted = false;
    const over = (): void => {
      if (isOver) return;
      isOver = true;
      this.#underWay -= 1;
      if (isStream) this.#streams -= 1;
      this.#calls.delete(call);
    };
    this.#underWay += 1;
    if (isStream) this.#streams += 1;
    else this.#calls.set(call, this.#deps.monotonic());
    const { onCutOff } = this.#deps;
    // The library ends a call whose message is too large by itself, past every interceptor.
    const end = call.sendStatus.bind(call);
    call.sendStatus = (ended) => {
      if (!isOver && isTooLarge(ended)) {
        onCutOff(/decompress/.test(ended.details ?? '') ? 'unpacked_bytes' : 'message_bytes');
      }
      end(ended);
    };
    return new ServerInterceptingCall(call, {
      start: (next) => {
        next({
          onReceiveMetadata: (metadata, proceed) => {
            isStarted = true;
            const refused = this.#admit(method.path, metadata, call);
            if (refused === null) proceed(metadata);
            else call.sendStatus(refused);
          },
          onReceiveMessage: (message, proceed) => proceed(message),
          onReceiveHalfClose: (proceed) => proceed(),
          // Comes at the end of every call, however it ends.
          onCancel: over,
        });
        // Headers come at once; a call that was given up before has no end to come.
        if (!isStarted) over();
      },
      sendMetadata: (metadata, next) => next(metadata),
      sendMessage: (message, next) => next(message),
      sendStatus: (ended, next) => {
        if (codeOf(ended) === 'stream_expired') onCutOff('endless_stream');
        next(ended);
      },
    });
  };

  #admit(
    path: string,
    metadata: Metadata,
    call: ServerInterceptingCallInterface,
  ): CallStatus | null {
    const { pulses, clientAddress, limits, needOf } = this.#deps;
    if (this.#underWay > limits.callsMax) {
      this.#deps.onCutOff('calls');
      return TOO_MANY;
    }
    const need = needOf(path);
    if (need === 'nobody') return null;
    const peer = call.getConnectionInfo().remoteAddress ?? '';
    const forwarded = metadata.get('x-forwarded-for').join(',');
    const headers = forwarded === '' ? NO_HEADERS : new Headers({ 'x-forwarded-for': forwarded });
    const address = clientAddress.of(peer, headers);
    const sender = pulses.sender(textOf(metadata, 'authorization'), address);
    if (isRefusal(sender)) return callStatus(sender);
    if (need === 'operator' && sender.caller.key !== null) return NO_OPERATOR;
    this.#senders.set(metadata, sender);
    return null;
  }
}

/** Of a status that is not ours: those of ours carry a code. */
function isTooLarge(ended: Ended): boolean {
  return ended.code === status.RESOURCE_EXHAUSTED && codeOf(ended) === null;
}

function codeOf({ metadata }: Ended): string | null {
  const [code] = metadata?.get(CODE_TRAILER) ?? [];
  return typeof code === 'string' ? code : null;
}

function textOf(metadata: Metadata, name: string): string | null {
  const [value] = metadata.get(name);
  return typeof value === 'string' ? value : null;
}
