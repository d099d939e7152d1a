/** The bounds that one log lives by: every door, worker and store must use the same values. */
import { StrictJson } from '../strict-json.ts';

export interface LogSettings {
  /** Minted once; part of the name of the log's topic, stream or file. */
  readonly logId: string;
  /** Number of event partitions, fixed for the life of the log. */
  readonly partitions: number;
  /** W: how long an id is remembered; an event that the log meets later than this is expired. */
  readonly dedupWindowMs: number;
  /** S: how far a door's clock may be off. */
  readonly clockBoundMs: number;
  /** A: the longest time between an event's acceptance and the log's confirmation. */
  readonly acceptanceBoundMs: number;
}

export const DEDUP_WINDOW_MS = 600_000;
export const CLOCK_BOUND_MS = 2_000;
export const ACCEPTANCE_BOUND_MS = 5_000;

export function encodeLogSettings(settings: LogSettings): string {
  return JSON.stringify(settings);
}

/** @throws ApuraError `store_corrupt`: the text is not settings that were encoded here. */
export function decodeLogSettings(text: string): LogSettings {
  const settings = StrictJson.parse(text, 'log settings', 'store_corrupt').object([
    'logId',
    'partitions',
    'dedupWindowMs',
    'clockBoundMs',
    'acceptanceBoundMs',
  ]);
  return {
    logId: settings.logId.text((id) => id.length > 0),
    partitions: settings.partitions.whole(1),
    dedupWindowMs: settings.dedupWindowMs.whole(1),
    clockBoundMs: settings.clockBoundMs.whole(0),
    acceptanceBoundMs: settings.acceptanceBoundMs.whole(1),
  };
}
