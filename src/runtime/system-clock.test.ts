import { setSystemTime } from 'bun:test';
import { clockContract } from '../ports/clock.contract.ts';
import { systemClock } from './system-clock.ts';

clockContract('system', () => ({
  clock: systemClock,
  pass: (ms) => {
    const end = process.hrtime.bigint() + BigInt(ms) * 1_000_000n;
    while (process.hrtime.bigint() < end);
  },
  jump: (ms) => {
    setSystemTime(new Date(Date.now() + ms));
  },
  [Symbol.dispose]: () => {
    setSystemTime();
  },
}));
