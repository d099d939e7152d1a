/** Proves that the three languages say everything, each in its own words. */
import { expect, test } from 'bun:test';
import { messagesIn } from './messages-in.ts';
import { LANGUAGES } from './poll.ts';

/** Every text of a language by its path; functions are called with sample values of each number. */
function texts(node: unknown, path: string): [string, string][] {
  if (typeof node === 'string') return [[path, node]];
  if (typeof node === 'function') {
    return [1, 2].map((sample) => [`${path}(${sample})`, String(node(sample, `${sample}`))]);
  }
  if (typeof node !== 'object' || node === null) return [];
  return Object.entries(node).flatMap(([name, value]) => texts(value, `${path}.${name}`));
}

/** Words that are rightly the same in several languages. */
const SHARED = /^(.*\.(time\.zones|languages|time\.startsIn|outcome\.more)|\.poll\.(vote|options))/;

test.each([...LANGUAGES])('%s leaves no text empty and forgets no value', (language) => {
  const all = texts(messagesIn(language), '');
  expect(all.length).toBeGreaterThan(100);
  for (const [path, text] of all) {
    expect(`${path}: ${text}`).not.toMatch(/: \s*$|undefined|\[object|NaN|\$\{/);
    if (path.endsWith('(2)')) expect(`${path}: ${text}`).toMatch(/2|true|Sem|Há|No |Many|Hay/);
  }
});

test('no language has kept the words of another', () => {
  const [pt, en, es] = LANGUAGES.map((language) => new Map(texts(messagesIn(language), '')));
  for (const [path, text] of pt ?? []) {
    if (SHARED.test(path) || text.length < 12) continue;
    expect(`${path} ${en?.get(path)}`).not.toBe(`${path} ${text}`);
    if (text.split(' ').length > 4) expect(`${path} ${es?.get(path)}`).not.toBe(`${path} ${text}`);
  }
});

test('the languages have the same texts', () => {
  const paths = LANGUAGES.map((language) => texts(messagesIn(language), '').map(([path]) => path));
  expect(paths[1]).toEqual(paths[0] ?? []);
  expect(paths[2]).toEqual(paths[0] ?? []);
});
