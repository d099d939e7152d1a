/** Polls, acts and images for the tests of the catalogue and of what stands on it. */
import type { Poll } from '../../src/domain/voting/poll.ts';
import type { OperatorAct, PollChange, StoredImage } from '../../src/ports/catalogue.ts';

export function samplePoll(fields: Partial<Poll> = {}): Poll {
  return {
    id: 'final',
    log: 'log',
    title: 'Who wins?',
    options: [
      { id: 'ana', name: 'Ana', imageUrl: null },
      { id: 'bruno', name: 'Bruno', imageUrl: null },
    ],
    opensAt: null,
    closesAt: null,
    timeZone: 'America/Sao_Paulo',
    votePolicy: 'unlimited',
    challengePolicy: 'off',
    resultsVisibility: 'after_vote',
    resultsDetail: 'percentage',
    look: { accentColor: null, logoUrl: null },
    state: 'draft',
    version: 1,
    createdAt: 1_000,
    updatedAt: 1_000,
    ...fields,
  };
}

export function sampleAct(fields: Partial<OperatorAct> = {}): OperatorAct {
  return { at: 1_000, actor: 'operator', act: 'create', poll: 'final', detail: null, ...fields };
}

export function sampleImage(fields: Partial<StoredImage> = {}): StoredImage {
  return {
    sha256: 'ab'.repeat(32),
    mediaType: 'image/png',
    width: 2,
    height: 3,
    bytes: Uint8Array.of(1, 2, 3, 0, 255),
    ...fields,
  };
}

/** The change that makes `poll` the stored one, decided on the version before it. */
export function sampleChange(poll: Poll, fields: Partial<PollChange> = {}): PollChange {
  const act = sampleAct({ poll: poll.id, at: poll.updatedAt });
  return { poll, expectedVersion: poll.version - 1, act, image: null, ...fields };
}
