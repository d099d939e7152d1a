/** The ownership of one process that has nobody to share with: every partition, always. */
import type { PartitionOwnership } from '../../ports/partition-ownership.ts';

/** Owns the event partitions `0 … partitions-1`. */
export function soleOwnership(partitions: number): PartitionOwnership {
  return {
    owned: new Set(Array.from({ length: partitions }, (_, partition) => partition)),
    trouble: null,
    subscribe: () => ({ [Symbol.dispose]() {} }),
    async [Symbol.asyncDispose]() {},
  };
}
