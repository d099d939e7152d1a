import { processReportsContract } from '../../ports/process-reports.contract.ts';
import { MemoryProcessReports, MemoryReportChannel } from './process-reports.ts';

processReportsContract('memory', async () => {
  const channel = new MemoryReportChannel();
  return {
    open: async () => new MemoryProcessReports(channel),
    async [Symbol.asyncDispose]() {},
  };
});
