/** What became of a change of the metering catalogue, as an answer. */
import type { Refused } from '../../application/metering/entry-rules.ts';
import { problem } from './problems.ts';
import { problemOfFields } from './request-body.ts';

export function entryNotFound(): Response {
  return problem('entry_not_found', 'The metering catalogue has no entry with this id.');
}

export function entryRefusal(refused: Refused): Response {
  switch (refused.kind) {
    case 'invalid':
      return problemOfFields('invalid_body', refused.problems);
    case 'not_found':
      return entryNotFound();
    case 'version_conflict': {
      const { version } = refused;
      return problem('version_conflict', `There is an entry with this id at version ${version}.`, {
        members: { version },
      });
    }
    case 'overlap':
      return problem('entry_overlap', `It overlaps ${refused.with}.`, {
        members: { with: refused.with },
      });
  }
}
