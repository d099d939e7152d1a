/** The one error class for surprises: a stable code, words for a person, and the cause. */
import type { ErrorCode } from './error-codes.ts';

export class ApuraError extends Error {
  readonly code: ErrorCode;

  constructor(code: ErrorCode, message: string, options?: { readonly cause?: unknown }) {
    super(message, options);
    this.name = 'ApuraError';
    this.code = code;
  }
}
