/** The methods of metering's ports by name: what passes from thread to thread. */
import type { DeadLetters } from '../../ports/dead-letters.ts';
import type { MeteringCatalogue } from '../../ports/metering-catalogue.ts';
import type { PulseLedger } from '../../ports/pulse-ledger.ts';
import type { RatingBook } from '../../ports/rating-book.ts';
import type { MethodNames } from './remote-port.ts';

export const CATALOGUE_METHODS: MethodNames<MeteringCatalogue> = {
  mintLogSettings: true,
  logSettings: true,
  put: true,
  revision: true,
  entries: true,
  history: true,
  recordAct: true,
  acts: true,
};

export const LEDGER_METHODS: MethodNames<PulseLedger> = {
  takeOver: true,
  commit: true,
  checkpoint: true,
  books: true,
  inventory: true,
  pendingUsage: true,
  markUsageSent: true,
  find: true,
  pulses: true,
  conflicts: true,
  usage: true,
  recompute: true,
  reset: true,
  forget: true,
  restore: true,
};

export const BOOK_METHODS: MethodNames<RatingBook> = {
  takeOver: true,
  checkpoint: true,
  commit: true,
  accept: true,
  makeDue: true,
  due: true,
  usage: true,
  tenants: true,
  periods: true,
  periodsToFinish: true,
  revision: true,
  putCharges: true,
  charges: true,
  charge: true,
  unpriced: true,
  unpricedSpan: true,
  events: true,
};

export const LETTER_METHODS: MethodNames<DeadLetters> = {
  list: true,
  get: true,
  pending: true,
  due: true,
  resolve: true,
};
