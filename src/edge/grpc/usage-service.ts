/** UsageService over gRPC: how usage reaches rating without a broker. */
import { USAGE_SERVICE, type UsageIntakeDeps, usageIntake } from '../http/usage-intake.ts';
import { callStatus } from './call-status.ts';
import { type RawUnary, rawMethod } from './raw-method.ts';

export const USAGE_METHODS = { putUsage: rawMethod(`/${USAGE_SERVICE}/PutUsage`) };

export function usageHandlers(deps: UsageIntakeDeps): { readonly putUsage: RawUnary } {
  const take = usageIntake(deps);
  return {
    putUsage(call, callback) {
      take(call.request).then(
        (failure) =>
          failure === null ? callback(null, new Uint8Array(0)) : callback(callStatus(failure)),
        (error: unknown) => {
          deps.reportFailure(error);
          callback(
            callStatus({ code: 'internal', detail: 'Something is broken.', retryAfterMs: null }),
          );
        },
      );
    },
  };
}
