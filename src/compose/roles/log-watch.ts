/** Sees that the installation has grown by a log which this process, started before, has not opened. */
import type { Readiness } from '../../edge/http/api-deps.ts';
import type { Catalogue } from '../../ports/catalogue.ts';
import type { Instruments } from '../../telemetry/instruments.ts';
import type { LogPlace } from '../engines.ts';
import { repeat } from '../event-loop.ts';
import type { RoleContext } from './process.ts';

const LOOK_MS = 10_000;

export class LogWatch {
  readonly #role: string;
  readonly #catalogue: Pick<Catalogue, 'logs'>;
  readonly #opened: ReadonlySet<string>;
  readonly #onGrown: (words: string) => void;
  #unopened: readonly string[] = [];

  /** `opened`: the ids of the process's logs. `onGrown` is told once of each log that is not among them. */
  constructor(
    role: string,
    catalogue: Pick<Catalogue, 'logs'>,
    opened: readonly string[],
    onGrown: (words: string) => void,
  ) {
    this.#role = role;
    this.#catalogue = catalogue;
    this.#opened = new Set(opened);
    this.#onGrown = onGrown;
  }

  /** The logs of the installation that this process does not know, oldest first. */
  get unopened(): readonly string[] {
    return this.#unopened;
  }

  /** What an operator must do, in a sentence; null where the process knows every log. */
  get words(): string | null {
    if (this.#unopened.length === 0) return null;
    const logs = this.#unopened.join(', ');
    return `apura ${this.#role} was started before the log ${logs} was made, and does not know it: start it again.`;
  }

  /** @throws whatever the catalogue throws; what was seen last stands. */
  async look(): Promise<void> {
    const logs = await this.#catalogue.logs();
    const known = this.#unopened.length;
    this.#unopened = logs.map(({ logId }) => logId).filter((logId) => !this.#opened.has(logId));
    const words = this.words;
    if (words !== null && this.#unopened.length > known) this.#onGrown(words);
  }
}

/** Looks now and then, until the stack that it is given to is disposed. */
export function watchLogs(
  { logger }: Pick<RoleContext, 'logger'>,
  role: string,
  catalogue: Pick<Catalogue, 'logs'>,
  places: readonly LogPlace[],
  cleanup: AsyncDisposableStack,
): LogWatch {
  const opened = places.map(({ settings }) => settings.logId);
  const watch = new LogWatch(role, catalogue, opened, (words) => logger.warn(words));
  cleanup.defer(
    repeat(
      LOOK_MS,
      () => watch.look(),
      (err) => logger.warn({ err }, 'the catalogue does not say which logs there are'),
    ),
  );
  return watch;
}

export function addLogMetrics({ gauge }: Instruments, watch: Pick<LogWatch, 'unopened'>): void {
  gauge('apura_logs_unopened', 'Logs that were made since this process has started.', [], (g) =>
    g.set(watch.unopened.length),
  );
}

/** What `/readyz` says of it. The process stays ready: what it knows it goes on serving. */
export function logsPart({ words }: Pick<LogWatch, 'words'>): Readiness['parts'] {
  return words === null ? [] : [{ name: 'logs', ready: true, detail: words }];
}
