/** Sends the usage that has changed on its way to rating, and remembers in the ledger what was sent. */
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import { USAGE_RECORDS_PER_SEND_MAX, type UsageTransport } from '../../ports/usage-transport.ts';

export interface UsageSenderDeps {
  readonly ledger: Pick<PulseLedger, 'pendingUsage' | 'markUsageSent'>;
  readonly transport: Pick<UsageTransport, 'send'>;
}

/**
 * Sends everything that is pending in one partition, and resolves to how many records that were. What
 * fails on the way stays pending, and what was sent without being marked is sent again: both harmless.
 *
 * @throws as UsageTransport.send, and as the ledger.
 */
export async function sendPendingUsage(
  { ledger, transport }: UsageSenderDeps,
  partition: number,
): Promise<number> {
  let sent = 0;
  for (;;) {
    const records = await ledger.pendingUsage(partition, USAGE_RECORDS_PER_SEND_MAX);
    if (records.length === 0) return sent;
    await transport.send(records);
    await ledger.markUsageSent(records);
    sent += records.length;
    if (records.length < USAGE_RECORDS_PER_SEND_MAX) return sent;
  }
}
