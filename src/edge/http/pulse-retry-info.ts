/** `google.rpc.RetryInfo`: how gRPC and Connect say when to try again. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';

export function retryInfo(retryAfterMs: number): Uint8Array {
  const seconds = Math.floor(retryAfterMs / 1000);
  const nanos = Math.round((retryAfterMs - seconds * 1000) * 1_000_000);
  const duration = new BinaryWriter()
    .tag(1, WireType.Varint)
    .int64(seconds)
    .tag(2, WireType.Varint)
    .int32(nanos);
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(duration.finish()).finish();
}
