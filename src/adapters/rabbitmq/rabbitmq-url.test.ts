import { expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseRabbitmqUrl } from './rabbitmq-url.ts';

test('what is not named is as RabbitMQ and Apura have it', () => {
  expect(parseRabbitmqUrl('amqp://rabbit')).toEqual({
    endpoints: [{ host: 'rabbit', port: 5672 }],
    tls: null,
    user: 'guest',
    password: 'guest',
    vhost: '/',
    stream: 'apura',
    replicas: 1,
    segmentBytesMax: null,
  });
});

test('everything that is named is taken as it is meant', () => {
  const url =
    'amqp://ann%40x:p%3Aw%2F@a:1,b,[::1]:2/my%2Fhost?stream=polls.1&replicas=3&segmentBytesMax=9';
  expect(parseRabbitmqUrl(url)).toEqual({
    endpoints: [
      { host: 'a', port: 1 },
      { host: 'b', port: 5672 },
      { host: '::1', port: 2 },
    ],
    tls: null,
    user: 'ann@x',
    password: 'p:w/',
    vhost: 'my/host',
    stream: 'polls.1',
    replicas: 3,
    segmentBytesMax: 9,
  });
});

test('amqps has its own port, and takes authorities, certificate and key from files', () => {
  expect(parseRabbitmqUrl('amqps://rabbit')).toMatchObject({
    endpoints: [{ host: 'rabbit', port: 5671 }],
    tls: { ca: null, cert: null, key: null },
  });
  const folder = mkdtempSync(join(tmpdir(), 'apura-rabbitmq-url-'));
  try {
    const files = ['ca', 'cert', 'key'].map((name) => {
      writeFileSync(join(folder, name), `PEM of ${name}`);
      return `${name}=${encodeURIComponent(join(folder, name))}`;
    });
    expect(parseRabbitmqUrl(`amqps://rabbit?${files.join('&')}`).tls).toEqual({
      ca: 'PEM of ca',
      cert: 'PEM of cert',
      key: 'PEM of key',
    });
  } finally {
    rmSync(folder, { recursive: true });
  }
});

const REFUSED: readonly (readonly [string, string])[] = [
  ['http://ann:secret@rabbit', 'of the form amqp[s]://'],
  ['amqp://ann:secret@', 'of the form amqp[s]://'],
  ['amqp://ann:secret@rabbit/a/b', 'of the form amqp[s]://'],
  ['amqp://ann:sec:ret@rabbit', 'colon in its password'],
  ['amqp://ann:secret%@rabbit', 'password with a %'],
  ['amqp://ann:secret@rabbit:0', 'host:port'],
  ['amqp://ann:secret@rabbit:65536', 'host:port'],
  ['amqp://ann:secret@rabbit,', 'host:port'],
  ['amqp://ann:secret@rabbit?steam=x', 'unknown setting steam'],
  ['amqp://ann:secret@rabbit?stream=x&stream=y', 'stream twice'],
  ['amqp://ann:secret@rabbit?stream=', 'stream without a value'],
  ['amqp://ann:secret@rabbit?stream=a%2Fb', 'letters, digits'],
  ['amqp://ann:secret@rabbit?replicas=0', 'replicas that is not 1–9'],
  ['amqp://ann:secret@rabbit?replicas=two', 'replicas that is not 1–9'],
  ['amqp://ann:secret@rabbit?segmentBytesMax=9999999999', 'segmentBytesMax'],
  ['amqp://ann:secret@rabbit?ca=/x', 'only amqps'],
  ['amqps://ann:secret@rabbit?cert=/x', 'one of cert and key'],
  ['amqps://ann:secret@rabbit?ca=/nowhere/ca.pem', '/nowhere/ca.pem'],
];

test.each(REFUSED)('%s is refused with the reason, and without the password', (url, why) => {
  let refusal: unknown;
  try {
    parseRabbitmqUrl(url);
  } catch (error) {
    refusal = error;
  }
  expect(refusal).toMatchObject({ code: 'invalid_config' });
  const message = refusal instanceof Error ? refusal.message : '';
  expect(message).toContain(why);
  expect(message).not.toContain('sec');
});
