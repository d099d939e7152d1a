/** Methods whose messages pass as the bytes that they are: nothing is made of them on the way. */
import type {
  handleBidiStreamingCall,
  handleServerStreamingCall,
  handleUnaryCall,
  MethodDefinition,
} from '@grpc/grpc-js';

export type RawUnary = handleUnaryCall<Buffer, Uint8Array>;
export type RawServerStream = handleServerStreamingCall<Buffer, Uint8Array>;
export type RawStream = handleBidiStreamingCall<Buffer, Uint8Array>;
export type RawDefinition = MethodDefinition<Buffer, Uint8Array>;

/** `path`: `/package.Service/Method`. */
export function rawMethod(
  path: string,
  streams: { readonly request: boolean; readonly response: boolean } = NO_STREAMS,
): RawDefinition {
  return {
    path,
    requestStream: streams.request,
    responseStream: streams.response,
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: toBuffer,
    responseDeserialize: same,
  };
}

const NO_STREAMS = { request: false, response: false };

function same(bytes: Buffer): Buffer {
  return bytes;
}

function toBuffer(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
