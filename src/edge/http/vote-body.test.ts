import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { VoteBodies } from './vote-body.ts';

const parse = (text: string) => new VoteBodies().parse(text);

describe('a vote’s body names its option', () => {
  test.each([
    ['{"option":"ana"}', 'ana'],
    [' \t\r\n{ "option" : "ana" }\n', 'ana'],
    ['{"\\u006fption":"\\u0061na"}', 'ana'],
    ['{"option":"} , \\" \\\\ {"}', '} , " \\ {'],
    ['{"option":"\\\\"}', '\\'],
    ['{"option":"[[[[[[[[[[[[[[[["}', '[[[[[[[[[[[[[[[['],
    ['{"option":"é 🗳"}', 'é 🗳'],
  ])('%s', (text, option) => {
    expect(parse(text)).toBe(option);
  });

  test('whatever text it is', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1, unit: 'binary' }), (option) => {
        expect(parse(JSON.stringify({ option }))).toBe(option);
      }),
    );
  });
});

describe('a body is refused', () => {
  test.each([
    ['', 'invalid_json', null],
    ['{', 'invalid_json', null],
    ['{"option":"ana"', 'invalid_json', null],
    ['{"option":"ana"}}', 'invalid_json', null],
    ['{"option":"ana",}', 'invalid_json', null],
    ["{'option':'ana'}", 'invalid_json', null],
    ['{option:"ana"}', 'invalid_json', null],
    ['{"option":"a\nb"}', 'invalid_json', null],
    ['{"option":01}', 'invalid_json', null],
    ['option=ana', 'invalid_json', null],
    ['\ufeff{"option":"ana"}', 'invalid_json', null],
    ['null', 'invalid_body', ''],
    ['"ana"', 'invalid_body', ''],
    ['1e400', 'invalid_body', ''],
    ['["ana"]', 'invalid_body', ''],
    ['{}', 'invalid_body', '/option'],
    ['{"option":null}', 'invalid_body', '/option'],
    ['{"option":""}', 'invalid_body', '/option'],
    ['{"option":1}', 'invalid_body', '/option'],
    ['{"option":["ana"]}', 'invalid_body', '/option'],
    ['{"option":{"id":"ana"}}', 'invalid_body', '/option'],
    ['{"option":"ana","option":"bia"}', 'invalid_body', '/option'],
    ['{"option":"ana","\\u006fption":"ana"}', 'invalid_body', '/option'],
    ['{"option":1,"option":"ana"}', 'invalid_body', '/option'],
    ['{"Option":"ana"}', 'unknown_field', '/Option'],
    ['{"option":"ana","weight":2}', 'unknown_field', '/weight'],
    ['{"__proto__":{"option":"ana"}}', 'unknown_field', '/__proto__'],
    ['{"option":"ana","__proto__":1}', 'unknown_field', '/__proto__'],
    ['{"constructor":1}', 'unknown_field', '/constructor'],
    ['{"":1}', 'unknown_field', '/'],
    ['{"a/b~c":1}', 'unknown_field', '/a~1b~0c'],
    ['{"option":"ana","pass":"x"}', 'not_supported', '/pass'],
  ])('%s as %s', (text, code, pointer) => {
    expect(parse(text)).toMatchObject({ code, pointer });
  });

  test('where it nests deeper than eight levels, however it goes on', () => {
    const nested = (levels: number): string =>
      `{"option":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`;
    expect(parse(nested(8))).toMatchObject({ code: 'invalid_body' });
    expect(parse(nested(9))).toMatchObject({ code: 'body_too_deep', pointer: null });
    expect(parse('['.repeat(1_024))).toMatchObject({ code: 'body_too_deep' });
    expect(parse('{"a":'.repeat(9))).toMatchObject({ code: 'body_too_deep' });
    // Side by side is not deep.
    expect(parse(`[${'[],'.repeat(50)}[]]`)).toMatchObject({ code: 'invalid_body' });
  });

  test('or read, and nothing else, whatever it is', () => {
    const texts = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 200 }),
      fc.json({ maxDepth: 12 }),
      fc.stringMatching(/^[{}[\]"\\:, optin1]{0,60}$/),
    );
    fc.assert(
      fc.property(texts, (text) => {
        const read = parse(text);
        if (typeof read === 'string') expect(JSON.parse(text)).toEqual({ option: read });
        else expect(read.detail).toMatch(/\.$|}\.$/);
      }),
      { numRuns: 1_000 },
    );
  });
});

describe('bodies that were read once', () => {
  test('are known by their text, letter by letter', () => {
    const bodies = new VoteBodies();
    expect(bodies.known('{"option":"ana"}')).toBeNull();
    bodies.parse('{"option":"ana"}');
    expect(bodies.known('{"option":"ana"}')).toBe('ana');
    expect(bodies.known('{"option":"ana" }')).toBeNull();
    expect(bodies.known('{"option":"bia"}')).toBeNull();
  });

  test('are not known where they were refused', () => {
    const bodies = new VoteBodies();
    for (const text of ['{', '{"option":1}', '__proto__']) {
      bodies.parse(text);
      expect(bodies.known(text)).toBeNull();
    }
  });

  test('take up bounded room: few of them, and none that is long', () => {
    const bodies = new VoteBodies();
    const long = JSON.stringify({ option: 'x'.repeat(160) });
    expect(bodies.parse(long)).toBe('x'.repeat(160));
    expect(bodies.known(long)).toBeNull();
    const texts = Array.from({ length: 3_000 }, (_, number) => `{"option":"o${number}"}`);
    for (const text of texts) bodies.parse(text);
    const known = texts.filter((text) => bodies.known(text) !== null);
    expect(known.length).toBeGreaterThan(0);
    expect(known.length).toBeLessThanOrEqual(1_024);
    for (const text of known) expect(bodies.known(text)).toBe(JSON.parse(text).option);
  });
});
