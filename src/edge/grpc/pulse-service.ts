/** PulseService over gRPC: batches in, one at a time or in a stream, and what became of each of them. */
import type { Metadata, ServerDuplexStream } from '@grpc/grpc-js';
import {
  encodeIngestResponse,
  encodeIngestStreamResponse,
  readIngestStreamRequest,
} from '../../domain/metering/wire-ingest.ts';
import {
  type IngestAnswer,
  isRefusal,
  type PulseIngest,
  type PulseSender,
  refusal,
} from '../http/pulse-ingest.ts';
import { type CallFailure, callStatus } from './call-status.ts';
import { type RawStream, type RawUnary, rawMethod } from './raw-method.ts';

export const PULSE_SERVICE = 'apura.metering.v1.PulseService';

export const PULSE_METHODS = {
  ingest: rawMethod(`/${PULSE_SERVICE}/Ingest`),
  ingestStream: rawMethod(`/${PULSE_SERVICE}/IngestStream`, { request: true, response: true }),
};

const NO_REQUEST = refusal('malformed_request', 'The bytes are no IngestStreamRequest.');

export interface StreamLimits {
  /** Batches of one stream that were read and not answered yet. */
  readonly streamBatchesMax: number;
  /** How long a stream may be open, ms. */
  readonly streamAgeMsMax: number;
  /** How long it may be silent with nothing under way, ms. */
  readonly streamSilenceMsMax: number;
}

export interface PulseServiceDeps {
  readonly pulses: PulseIngest;
  /** Who calls, as was found when the call came in. */
  readonly senderOf: (metadata: Metadata) => PulseSender;
  readonly limits: StreamLimits;
}

export function pulseHandlers(deps: PulseServiceDeps): {
  readonly ingest: RawUnary;
  readonly ingestStream: RawStream;
} {
  const { pulses, senderOf } = deps;
  return {
    ingest(call, callback) {
      void pulses.take(call.request, senderOf(call.metadata)).then((answer) => {
        if (isRefusal(answer)) callback(callStatus(answer));
        else callback(null, encodeIngestResponse(answer));
      });
    },
    ingestStream(call) {
      new IngestStream(call, deps).open();
    },
  };
}

/** One stream: takes several batches at a time, and answers in their order. */
class IngestStream {
  readonly #call: ServerDuplexStream<Buffer, Uint8Array>;
  readonly #deps: PulseServiceDeps;
  readonly #sender: PulseSender;
  readonly #age: ReturnType<typeof setTimeout>;
  readonly #silence: ReturnType<typeof setTimeout>;
  #underWay = 0;
  #tail: Promise<void> = Promise.resolve();
  #isOver = false;

  constructor(call: ServerDuplexStream<Buffer, Uint8Array>, deps: PulseServiceDeps) {
    const { streamAgeMsMax, streamSilenceMsMax } = deps.limits;
    this.#call = call;
    this.#deps = deps;
    this.#sender = deps.senderOf(call.metadata);
    this.#age = setTimeout(() => this.#expire('has been open for long enough'), streamAgeMsMax);
    this.#silence = setTimeout(() => {
      if (this.#underWay === 0) this.#expire('has been silent for too long');
    }, streamSilenceMsMax);
  }

  open(): void {
    const call = this.#call;
    call.on('data', (message: Buffer) => this.#take(message));
    call.on('end', () => {
      void this.#tail.then(() => this.#end(null));
    });
    call.on('cancelled', () => this.#close());
    call.on('error', () => this.#close());
  }

  #take(message: Buffer): void {
    if (this.#isOver) return;
    const request = readIngestStreamRequest(message);
    const { pulses, limits } = this.#deps;
    const gone = pulses.recheck(this.#sender);
    if (gone !== null) {
      this.#end(gone);
      return;
    }
    this.#underWay += 1;
    if (this.#underWay >= limits.streamBatchesMax) this.#call.pause();
    this.#tail = this.#answer(
      this.#tail,
      request?.sequence ?? 0n,
      request === null ? NO_REQUEST : pulses.take(request.batch, this.#sender),
    );
  }

  async #answer(
    before: Promise<void>,
    sequence: bigint,
    pending: IngestAnswer | Promise<IngestAnswer>,
  ): Promise<void> {
    const [answer] = await Promise.all([pending, before]);
    if (this.#isOver) return;
    // Batches behind one that was not taken stay without an answer: unknown, and sent again.
    if (isRefusal(answer)) return this.#end(answer);
    const response = encodeIngestStreamResponse(sequence, answer);
    // Whoever does not read what became of the batches is not read from either.
    if (!this.#call.write(response)) await this.#drained();
    this.#underWay -= 1;
    this.#silence.refresh();
    this.#call.resume();
  }

  #drained(): Promise<void> {
    return new Promise((resolve) => {
      this.#call.once('drain', resolve);
      this.#call.once('close', resolve);
      this.#call.once('cancelled', resolve);
    });
  }

  #expire(why: string): void {
    const detail = `The stream ${why}: open another, and send again what was not answered.`;
    this.#end({ code: 'stream_expired', detail, retryAfterMs: 0 });
  }

  #end(failure: CallFailure | null): void {
    if (this.#isOver) return;
    this.#close();
    if (failure === null) this.#call.end();
    else this.#call.emit('error', callStatus(failure));
  }

  #close(): void {
    this.#isOver = true;
    clearTimeout(this.#age);
    clearTimeout(this.#silence);
  }
}
