/** A command line is understood as written, or refused with what is known: never guessed. */
import { describe, expect, test } from 'bun:test';
import fc from 'fast-check';
import { helpText, parseArguments } from './arguments.ts';
import {
  choiceFlag,
  durationFlag,
  integerFlag,
  listFlag,
  numberFlag,
  optionalChoiceFlag,
  optionalIntegerFlag,
  optionalTextFlag,
  switchFlag,
  textFlag,
} from './flag.ts';

const command = {
  name: 'apura sample',
  summary: 'A command to test with.',
  positionals: [{ name: 'poll', help: 'the poll to take' }],
  flags: {
    url: textFlag('the server', 'URL', 'http://127.0.0.1:8080'),
    token: optionalTextFlag('the token', 'TOKEN'),
    option: listFlag('an option', 'NAME'),
    rate: integerFlag('votes a second', 20_000, { min: 1, max: 100_000 }),
    seed: optionalIntegerFlag('the seed', { min: 0, max: 9 }),
    skew: numberFlag('how uneven', 1, { min: 0, max: 3 }),
    retryFor: durationFlag('how long', '30s', { min: 1, max: 300_000 }),
    format: choiceFlag('the format', ['csv', 'ndjson']),
    detail: optionalChoiceFlag('the detail', ['winner', 'count']),
    retry: switchFlag('send again', true),
    json: switchFlag('print JSON', false),
  },
};

const defaults = {
  url: 'http://127.0.0.1:8080',
  token: null,
  option: [],
  rate: 20_000,
  seed: null,
  skew: 1,
  retryFor: 30_000,
  format: 'csv',
  detail: null,
  retry: true,
  json: false,
} as const;

function flagsOf(...argv: string[]): unknown {
  const parsed = parseArguments(command, ['demo', ...argv]);
  return parsed.kind === 'run' ? parsed.flags : parsed;
}

function refusalOf(...argv: string[]): string {
  const parsed = parseArguments(command, argv);
  return parsed.kind === 'usage' ? parsed.message : `not refused: ${parsed.kind}`;
}

describe('a command line', () => {
  test('without flags gives every default', () => {
    expect(flagsOf()).toEqual(defaults);
  });

  test('gives a value after a space or an equals sign, the same', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 1 }), (text) => {
        fc.pre(!text.startsWith('--'));
        expect(flagsOf('--token', text)).toEqual({ ...defaults, token: text });
        expect(flagsOf(`--token=${text}`)).toEqual({ ...defaults, token: text });
      }),
    );
  });

  test('reads each kind of flag', () => {
    const given = ['--option', 'a', '--option=b', '--rate', '5', '--seed=0', '--skew', '0.5'];
    given.push('--retry-for=1m', '--format', 'ndjson', '--detail=count', '--no-retry', '--json');
    expect(flagsOf(...given)).toEqual({
      ...defaults,
      option: ['a', 'b'],
      rate: 5,
      seed: 0,
      skew: 0.5,
      retryFor: 60_000,
      format: 'ndjson',
      detail: 'count',
      retry: false,
      json: true,
    });
    expect(flagsOf('--retry=false', '--json=true')).toEqual({
      ...defaults,
      retry: false,
      json: true,
    });
  });

  test('takes positionals before, between and after flags, and anything after --', () => {
    for (const argv of [
      ['demo', '--json'],
      ['--json', 'demo'],
      ['--json', '--', 'demo'],
    ]) {
      const parsed = parseArguments(command, argv);
      expect(parsed.kind === 'run' && parsed.positionals).toEqual(['demo']);
    }
    const dashed = parseArguments(command, ['--', '--demo']);
    expect(dashed.kind === 'run' && dashed.positionals).toEqual(['--demo']);
  });

  test('with an unknown flag is refused and told what is known', () => {
    for (const flag of ['--rat', '-r', '--no-json-please', '--no-url', '--constructor']) {
      expect(refusalOf('demo', flag)).toContain(`does not know ${flag}; it knows --url --token`);
    }
    expect(refusalOf('demo', '--rat=5')).toContain('does not know --rat;');
  });

  test('with a flag given twice is refused, unless the flag repeats', () => {
    expect(refusalOf('demo', '--rate', '1', '--rate=2')).toBe('--rate is given twice');
    expect(refusalOf('demo', '--retry', '--no-retry')).toBe('--retry is given twice');
  });

  test('without a value that a flag needs is refused', () => {
    expect(refusalOf('demo', '--url')).toBe('--url needs a value: --url URL');
    expect(refusalOf('demo', '--url', '--json')).toBe('--url needs a value: --url URL');
    expect(refusalOf('demo', '--url=')).toBe('--url must not be empty');
    expect(refusalOf('demo', '--option', '')).toBe('--option must not be empty');
  });

  test('with a value of the wrong kind or out of range is refused', () => {
    expect(refusalOf('demo', '--rate', '1.5')).toBe('--rate must be a whole number');
    expect(refusalOf('demo', '--rate', '-5')).toBe('--rate must be a whole number');
    expect(refusalOf('demo', '--rate', '0')).toBe('--rate must lie between 1 and 100000');
    expect(refusalOf('demo', '--seed', '10')).toBe('--seed must lie between 0 and 9');
    expect(refusalOf('demo', '--skew', '1e3')).toBe('--skew must be a number');
    expect(refusalOf('demo', '--skew', '9')).toBe('--skew must lie between 0 and 3');
    expect(refusalOf('demo', '--retry-for', '30')).toContain('must be a number and a unit');
    expect(refusalOf('demo', '--retry-for', '1h')).toContain('must lie between 1 ms and 300 s');
    expect(refusalOf('demo', '--format', 'xml')).toBe('--format must be one of csv, ndjson');
    expect(refusalOf('demo', '--detail', 'all')).toBe('--detail must be one of winner, count');
    expect(refusalOf('demo', '--json=yes')).toBe('--json takes no value');
    expect(refusalOf('demo', '--no-json=true')).toBe('--no-json takes no value');
  });

  test('with an argument missing or too many is refused', () => {
    expect(refusalOf()).toBe('apura sample needs <poll>: the poll to take');
    expect(refusalOf('a', 'b')).toBe('apura sample does not take the argument "b"');
    expect(refusalOf('a', '-')).toBe('apura sample does not take the argument "-"');
  });

  test('with any number of further arguments is read where the command takes them', () => {
    const taking = { ...command, further: { name: 'more', help: 'more of them' } };
    expect(parseArguments(taking, [])).toMatchObject({ kind: 'usage' });
    for (const argv of [['a'], ['a', 'b', 'c']]) {
      expect(parseArguments(taking, argv)).toMatchObject({ kind: 'run', positionals: argv });
    }
    expect(helpText(taking)).toContain('Usage: apura sample <poll> [<more>…] [flags]');
    expect(helpText(taking)).toMatch(/\[<more>…\] +more of them/);
  });

  test('that asks for help gets help, whatever else it says', () => {
    expect(parseArguments(command, ['--bogus', '--help']).kind).toBe('help');
    expect(parseArguments(command, ['-h']).kind).toBe('help');
    expect(parseArguments(command, ['--', '--help']).kind).toBe('run');
  });
});

test('help names every flag and argument with its meaning and default', () => {
  const help = helpText(command);
  expect(help).toContain('Usage: apura sample <poll> [flags]');
  expect(help).toContain('--url URL');
  expect(help).toContain('the server (default http://127.0.0.1:8080)');
  expect(help).toContain('an option (repeatable)');
  expect(help).toContain('--format WORD');
  expect(help).toContain('the format: csv, ndjson (default csv)');
  expect(help).toContain('--no-retry');
  expect(help).toContain('--retry-for TIME');
  expect(help).toContain('--json');
});
