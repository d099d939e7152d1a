/** A count's key: what an event adds to, and in which lane. A vote's key is (poll, option, lane). */
import type { Lane } from './lane.ts';

export interface EventKey {
  /** What a count belongs to: the poll, or a tenant. 1–255 bytes of UTF-8. */
  readonly scope: string;
  /** What is counted inside the scope: a poll's option. 1–255 bytes of UTF-8. */
  readonly item: string;
  readonly lane: Lane;
}
