/** What the log alone says of a logged event; the first that applies, in this order of precedence:
 *  expired, duplicate, late, counted. A counted event may later be voided (and restored). */
export const VERDICTS = ['counted', 'duplicate', 'expired', 'late'] as const;
export type Verdict = (typeof VERDICTS)[number];

/** The verdicts as the bytes that a decided block carries; the index in VERDICTS. */
export const COUNTED = 0;
export const DUPLICATE = 1;
export const EXPIRED = 2;
export const LATE = 3;
