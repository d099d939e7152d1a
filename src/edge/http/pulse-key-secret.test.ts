import { expect, test } from 'bun:test';
import { matchesSha256, newKeySecret, secretSha256 } from './pulse-key-secret.ts';

test('a secret is 256 random bits, and its digest no other one’s', () => {
  const secrets = Array.from({ length: 50 }, newKeySecret);
  expect(new Set(secrets).size).toBe(50);
  for (const secret of secrets) {
    expect(secret).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect(secretSha256(secret)).toMatch(/^[0-9a-f]{64}$/);
    expect(matchesSha256(secret, secretSha256(secret))).toBe(true);
    expect(matchesSha256(`${secret}x`, secretSha256(secret))).toBe(false);
  }
});

test('no secret matches what is no digest', () => {
  for (const digest of ['', 'zz', '0'.repeat(62), '0'.repeat(66)]) {
    expect(matchesSha256('', digest)).toBe(false);
  }
});
