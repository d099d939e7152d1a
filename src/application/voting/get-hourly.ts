/** Shows a poll's votes by the clock hours of its time zone: the report that every paredão is asked for. */
import type { ResultsDeps } from './get-results.ts';
import {
  type GetTimeseriesInput,
  type GetTimeseriesResult,
  getTimeseries,
} from './get-timeseries.ts';

/** Without `from` and `to`: all hours from the opening to the closing or to now; they sum to the total. */
export function getHourly(
  deps: ResultsDeps,
  input: Omit<GetTimeseriesInput, 'step'>,
): GetTimeseriesResult {
  return getTimeseries(deps, { ...input, step: '1h' });
}
