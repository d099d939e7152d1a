import { describe, expect, test } from 'bun:test';
import { parseCassandraAddress } from './cassandra-address.ts';

describe('the address of Cassandra', () => {
  test('names nodes and a keyspace, and leaves the rest to the cluster', () => {
    expect(parseCassandraAddress('cassandra://a,b.example,[::1]/apura')).toEqual({
      hosts: ['a', 'b.example', '::1'],
      port: 9042,
      keyspace: 'apura',
      dataCentre: 'datacenter1',
      replication: null,
      login: null,
      tls: null,
    });
  });

  test('takes replicas, a data centre, credentials and files', () => {
    const url =
      'cassandras://ann:p%40ss%3Aword@a:9142,b:9142/pulses_2?replication=3&dc=eu-west.1' +
      '&ca=/etc/ca.pem&cert=/c.pem&key=%2Fk.pem';
    expect(parseCassandraAddress(url)).toEqual({
      hosts: ['a', 'b'],
      port: 9142,
      keyspace: 'pulses_2',
      dataCentre: 'eu-west.1',
      replication: 3,
      login: { username: 'ann', password: 'p@ss:word' },
      tls: { ca: '/etc/ca.pem', cert: '/c.pem', key: '/k.pem' },
    });
    expect(parseCassandraAddress('cassandras://a/k').tls).toEqual({
      ca: null,
      cert: null,
      key: null,
    });
  });

  const refused: readonly [string, string][] = [
    ['scylla://h/k', 'has another form'],
    ['cassandra://h', 'has another form'],
    ['cassandra://h/k#x', 'has another form'],
    ['cassandra:///k', 'has another form'],
    ['cassandra://h/', 'no usable keyspace'],
    ['cassandra://h/Apura', 'no usable keyspace'],
    ['cassandra://h/a-b', 'no usable keyspace'],
    ['cassandra://h:1,h2:2/k', 'several ports'],
    ['cassandra://h:0/k', 'a port that can not be'],
    ['cassandra://h:65536/k', 'a port that can not be'],
    ['cassandra://h,/k', 'not host[:port]'],
    ['cassandra://h/k?consistency=one', 'a setting that is not known'],
    ['cassandra://h/k?dc=a&dc=b', 'says dc twice'],
    ['cassandra://h/k?dc=', 'says nothing for dc'],
    ["cassandra://h/k?dc=a'b", 'a dc that can not be one'],
    ['cassandra://h/k?replication=0', 'sets replication to something else'],
    ['cassandra://h/k?replication=two', 'sets replication to something else'],
    ['cassandra://secret@h/k', 'without a password'],
    ['cassandra://:secret@h/k', 'none before the "@"'],
    ['cassandra://u:secret%zz@h/k', 'begins no escape'],
    ['cassandra://u:secret@h/k?ca=/ca.pem', 'but not cassandras://'],
    ['cassandras://u:secret@h/k?cert=/c.pem', 'one of cert and key only'],
  ];
  test.each(refused)('%s is refused by name, without its secrets', (url, words) => {
    const refusal = expect(() => parseCassandraAddress(url));
    refusal.toThrow(expect.objectContaining({ code: 'invalid_config' }));
    refusal.toThrow(words);
    refusal.not.toThrow('secret');
  });
});
