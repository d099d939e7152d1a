/** The secret half of an API key: made once, kept as its digest only, compared in constant time. */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';

const SECRET_BYTES = 32;

/** 256 random bits as base64url, 43 characters. */
export function newKeySecret(): string {
  return randomBytes(SECRET_BYTES).toString('base64url');
}

/** 64 hex digits, of the secret's text. */
export function secretSha256(secret: string): string {
  return createHash('sha256').update(secret).digest('hex');
}

/** Whether the digest is the secret's. Takes as long whatever is asked. */
export function matchesSha256(secret: string, sha256: string): boolean {
  const wanted = Buffer.from(sha256, 'hex');
  const digest = createHash('sha256').update(secret).digest();
  return wanted.length === digest.length && timingSafeEqual(digest, wanted);
}
