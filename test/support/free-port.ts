/** Ports for servers of the tests' own, which may be ended and started again at the same place. */
import { createSocket } from 'node:dgram';
import { createServer } from 'node:net';

/**
 * Below the ports that Linux gives to outgoing connections (32768 to 60999 unless set otherwise): one of
 * those may be taken while its server is down, also by a client that tries to reach it and so meets itself.
 */
const LOWEST = 20_000;
const HIGHEST = 31_999;
const TRIES_MAX = 200;

/**
 * A process never gets the same one twice, or a server that is down would lose its place to another.
 * Neither does another process of ours that runs beside it, see `isReserved`.
 */
const given = new Set<number>();

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST + 1));
    if (given.has(port)) continue;
    given.add(port);
    if ((await isReserved(port)) && (await isFree(port))) return port;
  }
  throw new Error(`No port is free between ${LOWEST} and ${HIGHEST}.`);
}

export async function freePorts(count: number): Promise<readonly number[]> {
  return Promise.all(Array.from({ length: count }, freePort));
}

/**
 * Takes the port's namesake of UDP, which no server here uses, until this process ends: so two runs of
 * tests beside each other never choose the same port while its server starts or is down.
 */
async function isReserved(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const token = createSocket('udp4');
  token.once('error', () => resolve(false));
  token.bind({ port, address: '127.0.0.1', exclusive: true }, () => {
    token.unref();
    resolve(true);
  });
  return promise;
}

async function isFree(port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const probe = createServer();
  probe.once('error', () => resolve(false));
  probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
  return promise;
}
