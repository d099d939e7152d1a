import { describe, expect, test } from 'bun:test';
import { parseKafkaUrl } from './kafka-url.ts';

describe('the Kafka URL', () => {
  test('names brokers and a topic, and leaves the rest to the cluster', () => {
    expect(parseKafkaUrl('kafka://a:9092,b.example:9093,[::1]:9094/votes')).toEqual({
      brokers: [
        { host: 'a', port: 9092 },
        { host: 'b.example', port: 9093 },
        { host: '::1', port: 9094 },
      ],
      topic: 'votes',
      replication: null,
      minInsync: null,
      sasl: null,
      tls: null,
    });
  });

  test('takes replicas, credentials and files', () => {
    const url =
      'kafka://ann:p%40ss%3Aword@h:1/t?replication=3&min_insync=2&sasl=scram-sha-512' +
      '&tls=1&ca=/etc/ca.pem&cert=/c.pem&key=%2Fk.pem';
    expect(parseKafkaUrl(url)).toEqual({
      brokers: [{ host: 'h', port: 1 }],
      topic: 't',
      replication: 3,
      minInsync: 2,
      sasl: { mechanism: 'SCRAM-SHA-512', username: 'ann', password: 'p@ss:word' },
      tls: { ca: '/etc/ca.pem', cert: '/c.pem', key: '/k.pem' },
    });
  });

  const refused: readonly [string, string][] = [
    ['redis://h:1/t', 'does not begin with kafka://'],
    ['kafka://h:1', 'names no topic'],
    ['kafka://h:1/', 'no usable topic'],
    ['kafka://h:1/a/b', 'no usable topic'],
    ['kafka://h/t', 'not host:port'],
    ['kafka://h:0/t', 'not host:port'],
    ['kafka://h:65536/t', 'not host:port'],
    ['kafka://h:1,/t', 'not host:port'],
    ['kafka:///t', 'not host:port'],
    ['kafka://h:1/t?acks=1', 'unknown setting'],
    ['kafka://h:1/t?tls=1&tls=1', 'sets tls twice'],
    ['kafka://h:1/t?replication=0', 'sets replication to something else'],
    ['kafka://h:1/t?replication=two', 'sets replication to something else'],
    ['kafka://h:1/t?replication=1&min_insync=2', 'min_insync=2 of only replication=1'],
    ['kafka://u:secret@h:1/t', 'names a user, but not sasl='],
    ['kafka://u:secret@h:1/t?sasl=gssapi', 'sets sasl to something else'],
    ['kafka://h:1/t?sasl=plain', 'names no user:password@'],
    ['kafka://secret@h:1/t?sasl=plain', 'without a password'],
    ['kafka://u:secret%zz@h:1/t?sasl=plain', 'malformed percent sign in the password'],
    ['kafka://h:1/t?ca=/ca.pem', 'but not tls=1'],
    ['kafka://h:1/t?tls=yes', 'sets tls to something else'],
    ['kafka://h:1/t?tls=1&cert=/c.pem', 'one of cert and key only'],
    ['kafka://u:secret@h:1/t?a?b', 'second "?"'],
  ];
  test.each(refused)('%s is refused by name, without its secrets', (url, words) => {
    const refusal = expect(() => parseKafkaUrl(url));
    refusal.toThrow(expect.objectContaining({ code: 'invalid_config' }));
    refusal.toThrow(words);
    refusal.not.toThrow('secret');
  });
});
