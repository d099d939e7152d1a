/** A lane keeps counted events apart that are judged apart: operators see each, a result may leave some out. */
export const LANES = ['valid', 'flagged'] as const;
export type Lane = (typeof LANES)[number];
