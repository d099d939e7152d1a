/** UsageService.PutUsage by the Connect protocol: usage to rating over plain HTTP, for operators alone. */
import {
  type DescMessage,
  type FileRegistry,
  fromJson,
  type JsonValue,
  toBinary,
} from '@bufbuild/protobuf';
import { messageOf } from '../grpc/wire-contract.ts';
import { connectFormat, inTime, PROTO, unsupportedFormat } from './connect-call.ts';
import { connectError } from './connect-error.ts';
import { parsePulseJson, readPulseBody } from './pulse-body.ts';
import {
  isRefusal,
  PULSE_REQUEST_BYTES_MAX,
  type PulseIngest,
  type PulseRefusal,
  refusal,
} from './pulse-ingest.ts';
import { OPERATORS_ONLY, USAGE_SERVICE, type UsageIntake } from './usage-intake.ts';

export const CONNECT_USAGE_PATH = `/${USAGE_SERVICE}/PutUsage`;

export interface ConnectUsageRouteDeps {
  /** Says who calls. */
  readonly pulses: Pick<PulseIngest, 'sender'>;
  readonly take: UsageIntake;
  readonly contract: FileRegistry;
}

export class ConnectUsageRoute {
  readonly #deps: ConnectUsageRouteDeps;
  readonly #request: DescMessage;

  constructor(deps: ConnectUsageRouteDeps) {
    this.#deps = deps;
    this.#request = messageOf(deps.contract, 'apura.metering.v1.PutUsageRequest');
  }

  /** Answers one call. Never rejects. */
  async handle(request: Request, remoteAddress: string): Promise<Response> {
    const { headers } = request;
    const format = connectFormat(headers);
    if (format === null) return unsupportedFormat();
    const sender = this.#deps.pulses.sender(headers.get('authorization'), remoteAddress);
    if (isRefusal(sender)) return connectError(sender);
    if (sender.caller.key !== null) return connectError(OPERATORS_ONLY);
    const body = await readPulseBody(request, PULSE_REQUEST_BYTES_MAX);
    if (!(body instanceof Uint8Array)) return connectError(body);
    return inTime(this.#take(body, format), headers);
  }

  async #take(body: Uint8Array, format: 'proto' | 'json'): Promise<Response> {
    const bytes = format === 'proto' ? body : this.#bytesOf(body);
    if (!(bytes instanceof Uint8Array)) return connectError(bytes);
    const failure = await this.#deps.take(bytes);
    if (failure !== null) return connectError(failure);
    return format === 'proto'
      ? new Response(new Uint8Array(0), { headers: { 'content-type': PROTO } })
      : Response.json({});
  }

  #bytesOf(body: Uint8Array): Uint8Array | PulseRefusal {
    const json = parsePulseJson(body);
    if (isRefusal(json)) return json;
    try {
      return toBinary(this.#request, fromJson(this.#request, json.value as JsonValue));
    } catch (error) {
      const why = error instanceof Error ? error.message : 'It is no PutUsageRequest.';
      return refusal('invalid_body', why.slice(0, 200));
    }
  }
}
