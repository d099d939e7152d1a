/** Verdicts on pulses as small numbers, so that a column holds them. */
import { PULSE_REJECTIONS, type PulseRejection } from './pulse.ts';

/** The pulse breaks no rule. Every other verdict is a rejection's. */
export const ACCEPTED = 0;

const REJECTIONS = Object.keys(PULSE_REJECTIONS) as readonly PulseRejection[];

export function verdictOf(rejection: PulseRejection): number {
  return REJECTIONS.indexOf(rejection) + 1;
}

/** @throws RangeError: ACCEPTED, or no verdict. */
export function rejectionOf(verdict: number): PulseRejection {
  const rejection = REJECTIONS[verdict - 1];
  if (rejection === undefined) throw new RangeError(`Verdict ${verdict} rejects nothing.`);
  return rejection;
}
