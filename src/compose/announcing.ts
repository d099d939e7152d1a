/** A catalogue that tells of every act it has stored: consoles show who did what as it happens. */
import type { Catalogue, OperatorAct } from '../ports/catalogue.ts';

export function announcing(catalogue: Catalogue, announce: (act: OperatorAct) => void): Catalogue {
  return {
    mintLogSettings: (proposal) => catalogue.mintLogSettings(proposal),
    logs: () => catalogue.logs(),
    addLog: (settings) => catalogue.addLog(settings),
    async putPoll(change) {
      const outcome = await catalogue.putPoll(change);
      if (outcome === 'stored') announce(change.act);
      return outcome;
    },
    poll: (id) => catalogue.poll(id),
    polls: (cursor, limit) => catalogue.polls(cursor, limit),
    unpublished: () => catalogue.unpublished(),
    markPublished: (poll, version) => catalogue.markPublished(poll, version),
    image: (sha256) => catalogue.image(sha256),
    async recordAct(act) {
      await catalogue.recordAct(act);
      announce(act);
    },
    acts: (poll, cursor, limit) => catalogue.acts(poll, cursor, limit),
    putConsistency: (report) => catalogue.putConsistency(report),
    consistency: (logId) => catalogue.consistency(logId),
    now: () => catalogue.now(),
    [Symbol.asyncDispose]: () => catalogue[Symbol.asyncDispose](),
  };
}
