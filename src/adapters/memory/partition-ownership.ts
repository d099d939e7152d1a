/** Ownership among members in one process: the model of how a group shares partitions out. */
import type { OwnershipGroup, PartitionOwnership } from '../../ports/partition-ownership.ts';

const LEFT = 'The member has left its group';

/** Every group that there is, as a broker would hold them. Changes take effect at once. */
export class MemoryOwnershipGroups {
  readonly #groups = new Map<string, MemoryMember[]>();

  async join(group: OwnershipGroup): Promise<PartitionOwnership> {
    const key = JSON.stringify([group.logId, group.role]);
    const members = this.#groups.get(key) ?? [];
    this.#groups.set(key, members);
    const member = new MemoryMember(() => {
      const at = members.indexOf(member);
      if (at < 0) return;
      members.splice(at, 1);
      member.assign(new Set(), LEFT);
      share(members, group.partitions);
    });
    members.push(member);
    share(members, group.partitions);
    return member;
  }
}

class MemoryMember implements PartitionOwnership {
  owned: ReadonlySet<number> = new Set();
  trouble: string | null = null;
  readonly #leave: () => void;
  readonly #listeners = new Set<() => void>();

  constructor(leave: () => void) {
    this.#leave = leave;
  }

  subscribe(listener: () => void): Disposable {
    // A function of its own: the same listener may be subscribed twice.
    const own = (): void => listener();
    this.#listeners.add(own);
    return { [Symbol.dispose]: () => void this.#listeners.delete(own) };
  }

  assign(owned: ReadonlySet<number>, trouble: string | null): void {
    this.trouble = trouble;
    if (owned.symmetricDifference(this.owned).size === 0) return;
    this.owned = owned;
    for (const listener of [...this.#listeners]) listener();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#leave();
  }
}

/** Takes before it gives, so that no partition is two members' at any moment. */
function share(members: readonly MemoryMember[], partitions: number): void {
  const shares = members.map((member, index) => {
    const due = new Set<number>();
    for (let p = index; p < partitions; p += members.length) due.add(p);
    return { member, due };
  });
  for (const { member, due } of shares) member.assign(member.owned.intersection(due), null);
  for (const { member, due } of shares) member.assign(due, null);
}
