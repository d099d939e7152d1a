import { archiveContract } from '../../ports/archive.contract.ts';
import { MemoryArchive, MemoryArchiveContent } from './archive.ts';

archiveContract('memory', async () => {
  const content = new MemoryArchiveContent();
  return {
    open: async () => new MemoryArchive(content),
    async crash() {},
    async [Symbol.asyncDispose]() {},
  };
});
