import { expect, test } from 'bun:test';
import { soleOwnership } from './sole-ownership.ts';

test('a process by itself owns every partition, and nothing ever changes that', async () => {
  await using ownership = soleOwnership(3);
  let changes = 0;
  using _ = ownership.subscribe(() => {
    changes += 1;
  });
  expect([...ownership.owned]).toEqual([0, 1, 2]);
  expect(ownership.trouble).toBeNull();
  expect(changes).toBe(0);
});
