import { describe, expect, test } from 'bun:test';
import { ENV_VARIABLES, flagName, processEnv, readEnv } from './env.ts';

describe('the known variables', () => {
  test('are read, and empty ones are as if unset', () => {
    const { env, unknown } = readEnv({
      APURA_HTTP_PORT: '9090',
      APURA_DATA: '',
      APURA_DEMO: undefined,
      HOME: '/tmp',
      PATH: 'x',
    });
    expect(env).toEqual({ APURA_HTTP_PORT: '9090' });
    expect(unknown).toEqual([]);
  });

  test('are told from those that only look like them', () => {
    const { env, unknown } = readEnv({
      APURA_HTTP_PROT: '9090',
      APURA_: '',
      apura_data: 'x',
      MY_APURA_DATA: 'x',
    });
    expect(env).toEqual({});
    expect(unknown).toEqual(['APURA_HTTP_PROT', 'APURA_']);
  });

  test('are no members that every object has', () => {
    expect(readEnv(JSON.parse('{"__proto__":"x","constructor":"y"}'))).toEqual({
      env: {},
      unknown: [],
    });
  });

  test('have a flag each, of the same name, and words for help', () => {
    expect(flagName('APURA_HTTP_PORT')).toBe('http-port');
    expect(flagName('APURA_TRUSTED_PROXIES')).toBe('trusted-proxies');
    const flags = ENV_VARIABLES.map(({ name }) => flagName(name));
    expect(new Set(flags).size).toBe(flags.length);
    for (const flag of flags) expect(flag).toMatch(/^[a-z]+(-[a-z]+)*$/);
    for (const { help, placeholder } of ENV_VARIABLES) {
      expect(help.length).toBeGreaterThan(5);
      expect(placeholder).not.toBe('');
    }
  });
});

test('the environment of the process is the one that commands get', () => {
  expect(processEnv()).toBe(process.env);
});
