/** PulseService.Ingest by the Connect protocol: pulses over plain HTTP, and the fastest way in. */
import type { FileRegistry } from '@bufbuild/protobuf';
import { encodeIngestResponse } from '../../domain/metering/wire-ingest.ts';
import { connectFormat, inTime, PROTO, unsupportedFormat } from './connect-call.ts';
import { connectError } from './connect-error.ts';
import { ConnectJson, jsonOfResults } from './connect-json.ts';
import { readPulseBody } from './pulse-body.ts';
import {
  isRefusal,
  PULSE_REQUEST_BYTES_MAX,
  type PulseIngest,
  type PulseSender,
} from './pulse-ingest.ts';
import { takeItems } from './pulse-items.ts';

export const CONNECT_INGEST_PATH = '/apura.metering.v1.PulseService/Ingest';

/** Of a body in JSON. */
export const CONNECT_JSON_BYTES_MAX = 4 * 1024 * 1024;

const PROTO_ANSWER: ResponseInit = { headers: new Headers({ 'content-type': PROTO }) };
const JSON_ANSWER: ResponseInit = { headers: new Headers({ 'content-type': 'application/json' }) };

export interface ConnectRouteDeps {
  readonly pulses: PulseIngest;
  readonly contract: FileRegistry;
}

export class ConnectRoute {
  readonly #pulses: PulseIngest;
  readonly #json: ConnectJson;

  constructor({ pulses, contract }: ConnectRouteDeps) {
    this.#pulses = pulses;
    this.#json = new ConnectJson(contract);
  }

  /** Answers one call. Never rejects. */
  async handle(request: Request, remoteAddress: string): Promise<Response> {
    const { headers } = request;
    const format = connectFormat(headers);
    if (format === null) return unsupportedFormat();
    const isProto = format === 'proto';
    const sender = this.#pulses.sender(headers.get('authorization'), remoteAddress);
    if (isRefusal(sender)) return connectError(sender);
    const bytesMax = isProto ? PULSE_REQUEST_BYTES_MAX : CONNECT_JSON_BYTES_MAX;
    const body = await readPulseBody(request, bytesMax);
    if (!(body instanceof Uint8Array)) return connectError(body);
    const answer = isProto ? this.#takeProto(body, sender) : this.#takeJson(body, sender);
    return inTime(answer, headers);
  }

  async #takeProto(body: Uint8Array, sender: PulseSender): Promise<Response> {
    const answer = await this.#pulses.take(body, sender);
    if (isRefusal(answer)) return connectError(answer);
    return new Response(encodeIngestResponse(answer) as Uint8Array<ArrayBuffer>, PROTO_ANSWER);
  }

  async #takeJson(body: Uint8Array, sender: PulseSender): Promise<Response> {
    const batch = this.#json.read(body);
    if (isRefusal(batch)) return connectError(batch);
    const results = await takeItems(this.#pulses, sender, batch.items, batch.allowsBackfill);
    if (isRefusal(results)) return connectError(results);
    return new Response(jsonOfResults(results), JSON_ANSWER);
  }
}
