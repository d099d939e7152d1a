/** The poll that a first look needs: open at once, if there is none at all. */
import { changePollState } from '../application/voting/change-poll-state.ts';
import { type CreatePollDeps, createPoll } from '../application/voting/create-poll.ts';

const DEMO_POLL = {
  id: 'demo',
  title: 'Quem deve ganhar a prova do líder?',
  options: [
    { id: 'ana', name: 'Ana Beatriz' },
    { id: 'davi', name: 'Davi Lucas' },
    { id: 'marina', name: 'Marina Sol' },
  ],
  resultsVisibility: 'after_vote',
  resultsDetail: 'percentage',
};

/** The actor of what the program does for a demonstration. */
const ACTOR = 'demo';

/** Makes and opens the demo poll where the catalogue has no poll at all. */
export async function ensureDemoPoll(deps: CreatePollDeps): Promise<void> {
  const { polls } = await deps.catalogue.polls(null, 1);
  if (polls.length > 0) return;
  await createPoll(deps, { body: DEMO_POLL, actor: ACTOR });
  await changePollState(deps, { poll: DEMO_POLL.id, actor: ACTOR, act: 'open' });
}
