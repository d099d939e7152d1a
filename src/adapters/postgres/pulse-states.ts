/** What a row of `pulse` is, in the number that the column `state` has for it. */
export const PULSE_STATES = { counted: 0, voided: 1 } as const;
