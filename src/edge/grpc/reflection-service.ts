/**
 * Server reflection (grpc.reflection.v1 and v1alpha): what grpcurl and its like learn the contract by.
 * Our own, for the reason of the health service.
 */
import {
  create,
  type DescFile,
  type FileRegistry,
  fromBinary,
  type Message,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { status } from '@grpc/grpc-js';
import { callStatus } from './call-status.ts';
import { type RawStream, rawMethod } from './raw-method.ts';
import { messageOf } from './wire-contract.ts';

const VERSIONS = ['v1', 'v1alpha'] as const;
const SERVICES = VERSIONS.map((version) => `grpc.reflection.${version}.ServerReflection`);

export const REFLECTION_METHODS = {
  v1: rawMethod(`/${SERVICES[0]}/ServerReflectionInfo`, { request: true, response: true }),
  v1alpha: rawMethod(`/${SERVICES[1]}/ServerReflectionInfo`, { request: true, response: true }),
};

interface Question extends Message {
  readonly messageRequest: { readonly case?: string; readonly value?: unknown };
}

type Answer = { readonly case: string; readonly value: object };

export interface ReflectionDeps {
  readonly contract: FileRegistry;
  /** The services of this process, by their full names. */
  readonly services: readonly string[];
}

export function reflectionHandlers(deps: ReflectionDeps): {
  readonly v1: RawStream;
  readonly v1alpha: RawStream;
} {
  const [v1, v1alpha] = VERSIONS.map((version) => reflection(deps, version));
  return { v1: v1 as RawStream, v1alpha: v1alpha as RawStream };
}

function reflection({ contract, services }: ReflectionDeps, version: string): RawStream {
  const request = messageOf(contract, `grpc.reflection.${version}.ServerReflectionRequest`);
  const response = messageOf(contract, `grpc.reflection.${version}.ServerReflectionResponse`);
  const names = [...services, ...SERVICES].sort();
  return (call) => {
    call.on('data', (bytes: Buffer) => {
      let question: Question;
      try {
        question = fromBinary(request, bytes) as Question;
      } catch {
        const detail = 'The bytes are no ServerReflectionRequest.';
        call.emit('error', callStatus({ code: 'malformed_request', detail, retryAfterMs: null }));
        return;
      }
      const messageResponse = answerOf(contract, names, question.messageRequest);
      const answer = create(response, { originalRequest: question, messageResponse });
      // One question at a time: a client that asks and does not read is not read from.
      if (!call.write(toBinary(response, answer))) {
        call.pause();
        call.once('drain', () => call.resume());
      }
    });
    call.on('end', () => call.end());
    call.on('error', () => {});
  };
}

function answerOf(
  contract: FileRegistry,
  names: readonly string[],
  { case: asked, value }: Question['messageRequest'],
): Answer {
  switch (asked) {
    case 'listServices':
      return {
        case: 'listServicesResponse',
        value: { service: names.map((name) => ({ name })) },
      };
    case 'fileByFilename':
      return files(contract.getFile(String(value)), String(value));
    case 'fileContainingSymbol':
      return files(fileOf(contract, String(value)), String(value));
    default:
      // Proto3 has no extensions, but for options, of which the contract has none of its own.
      return failure(status.NOT_FOUND, `There is nothing to be said of ${asked ?? 'nothing'}.`);
  }
}

/** The file of a message, an enum or a service, or of what is inside one. */
function fileOf(contract: FileRegistry, symbol: string): DescFile | undefined {
  const found = contract.get(symbol);
  if (found !== undefined) return found.file;
  const inside = symbol.lastIndexOf('.');
  return inside < 0 ? undefined : contract.get(symbol.slice(0, inside))?.file;
}

function files(file: DescFile | undefined, asked: string): Answer {
  if (file === undefined) return failure(status.NOT_FOUND, `The contract has no ${asked}.`);
  const needed = new Set<DescFile>();
  const add = (each: DescFile): void => {
    if (needed.has(each)) return;
    needed.add(each);
    for (const dependency of each.dependencies) add(dependency);
  };
  add(file);
  const fileDescriptorProto = [...needed].map(({ proto }) =>
    toBinary(FileDescriptorProtoSchema, proto),
  );
  return { case: 'fileDescriptorResponse', value: { fileDescriptorProto } };
}

function failure(errorCode: number, errorMessage: string): Answer {
  return { case: 'errorResponse', value: { errorCode, errorMessage } };
}
