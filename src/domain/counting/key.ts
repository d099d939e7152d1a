/** A count's key: what an event adds to. A vote's key is (poll, option). */
export interface EventKey {
  /** The poll, or later the tenant: what a count belongs to. 1–64 bytes of UTF-8. */
  readonly scope: string;
  /** What is counted inside the scope: the option of a poll. 1–64 bytes of UTF-8. */
  readonly item: string;
}
