/** The contract of proto/ and the standard services beside it, as descriptors: what reflection and JSON go by. */
import { readFileSync } from 'node:fs';
import {
  createFileRegistry,
  type DescMessage,
  type FileRegistry,
  fromBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorSetSchema } from '@bufbuild/protobuf/wkt';
import contractPath from '../../../proto/baseline.binpb' with { type: 'file' };
import standardPath from './standard-services.binpb' with { type: 'file' };

/** Reads them from beside the code, or out of the executable. */
export function readWireContract(): FileRegistry {
  // Sets of descriptors put end to end are one set: that is how Protobuf merges messages.
  const bytes = Buffer.concat([readFileSync(contractPath), readFileSync(standardPath)]);
  return createFileRegistry(fromBinary(FileDescriptorSetSchema, bytes));
}

/** @throws RangeError: the contract has no message of this full name. */
export function messageOf(contract: FileRegistry, name: string): DescMessage {
  const message = contract.getMessage(name);
  if (message === undefined) throw new RangeError(`The contract has no message ${name}.`);
  return message;
}
