import { describe, expect, test } from 'bun:test';
import { ApuraError } from '../../domain/errors.ts';
import { parseRedisAddress } from './redis-address.ts';

const PLAIN = {
  nodes: [{ host: 'localhost', port: 6379 }],
  isCluster: false,
  hasTls: false,
  username: null,
  password: null,
  database: 0,
  prefix: null,
};

describe('the address of a Redis', () => {
  test.each([
    ['redis://localhost', {}],
    ['redis://localhost/', {}],
    ['redis://localhost:6379/0?cluster=0', {}],
    [
      'rediss://cache.example:7000',
      { nodes: [{ host: 'cache.example', port: 7000 }], hasTls: true },
    ],
    ['redis://[::1]:7000/15', { nodes: [{ host: '::1', port: 7000 }], database: 15 }],
    ['redis://ana:p%40ss%3A@localhost', { username: 'ana', password: 'p@ss:' }],
    ['redis://:secret:with@localhost', { password: 'secret:with' }],
    ['redis://ana@localhost', { username: 'ana' }],
    ['redis://localhost?prefix=bbb:26', { prefix: 'bbb:26' }],
    [
      'redis://a:1,b,c:3?cluster=1&prefix=x',
      {
        nodes: [
          { host: 'a', port: 1 },
          { host: 'b', port: 6379 },
          { host: 'c', port: 3 },
        ],
        isCluster: true,
        prefix: 'x',
      },
    ],
  ])('%s is understood', (url, parts) => {
    expect(parseRedisAddress(url)).toEqual({ ...PLAIN, ...parts });
  });

  test.each([
    'http://localhost',
    'redis://',
    'redis://a,b',
    'redis://a,?cluster=1',
    'redis://a:0',
    'redis://a:65536',
    'redis://a:port',
    'redis://a/1?cluster=1',
    'redis://a/99999',
    'redis://a/db',
    'redis://a?cluster=2',
    'redis://a?cluster=1&cluster=1',
    'redis://a?prefix={x}',
    'redis://a?prefix=',
    'redis://a?timeout=1',
    'redis://a#b',
    'redis://ana:%secret@a',
    'redis://ana:secret@a@b',
    'redis://ana:secret@a?secret=1',
  ])('%s is refused, in words that hold no secret', (url) => {
    try {
      parseRedisAddress(url);
    } catch (error) {
      expect(error).toBeInstanceOf(ApuraError);
      expect(error).toMatchObject({ code: 'invalid_config' });
      expect(String(error)).not.toContain('secret');
      return;
    }
    throw new Error('It was taken.');
  });
});
