/** The server's time as this process can tell it: ids carry server time, whatever the local clock says. */
import { ApuraError } from '../../../domain/errors.ts';
import type { OperatorApi } from '../operator-api.ts';

const SAMPLES = 5;

/**
 * Server time (ms since the Unix epoch) minus the monotonic clock, by the quickest of a few answers:
 * off by at most half of its round trip.
 */
export async function serverOffset(api: OperatorApi, monotonic: () => number): Promise<number> {
  let offset = 0;
  let quickestMs = Number.POSITIVE_INFINITY;
  for (let sample = 0; sample < SAMPLES; sample += 1) {
    const askedAt = monotonic();
    const { serverTime } = await api.get('/v1/time');
    const answeredAt = monotonic();
    const time = Date.parse(String(serverTime));
    if (Number.isNaN(time)) {
      throw new ApuraError('server_unreachable', 'GET /v1/time tells no time. Is this Apura?');
    }
    if (answeredAt - askedAt >= quickestMs) continue;
    quickestMs = answeredAt - askedAt;
    offset = time - (askedAt + answeredAt) / 2;
  }
  return offset;
}
