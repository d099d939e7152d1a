/** The command line: chooses the command, gives it what it needs, and ends with its exit code. */
import { Worker } from 'node:worker_threads';
import { examine } from './compose/examine.ts';
import { auditInstallation, rebuildStore } from './compose/offline.ts';
import { ROLES, type Role } from './compose/role-names.ts';
import { serve } from './compose.ts';
import { checkApart, checkEmbedded, configOf, PARTITIONS_MAX } from './config/config.ts';
import { ENV_VARIABLES, flagName, processEnv, readEnv } from './config/env.ts';
import { ApuraError } from './domain/errors.ts';
import { tellAggregated } from './edge/cli/aggregate-once.ts';
import { runAudit } from './edge/cli/audit.ts';
import type { CliIo, ExitCode } from './edge/cli/cli-io.ts';
import { runDoctor } from './edge/cli/doctor.ts';
import { runGrow } from './edge/cli/grow.ts';
import { runMigrate } from './edge/cli/migrate.ts';
import { runRebuild } from './edge/cli/rebuild.ts';
import { runArchiveExport, runArchiveReplay } from './edge/cli/run-archive.ts';
import { runGroup, type Subcommand } from './edge/cli/run-command.ts';
import { runDeadLetters } from './edge/cli/run-dead-letters.ts';
import { runExport } from './edge/cli/run-export.ts';
import { runLoad } from './edge/cli/run-load.ts';
import { runPoll } from './edge/cli/run-poll.ts';
import { type RoleOnce, runRole } from './edge/cli/run-role.ts';
import { runTop } from './edge/cli/run-top.ts';
import { runServe, type ServeDeps } from './edge/cli/serve.ts';
import type { Setting } from './edge/cli/setting-flags.ts';
import { createLogger } from './telemetry/logger.ts';

type Values = Readonly<Record<string, string>>;

/** @throws ApuraError `invalid_config`. */
function configWith(io: CliIo, flags: Values) {
  const { env, unknown } = readEnv({ ...io.env, ...flags });
  if (unknown.length > 0) {
    throw new ApuraError('invalid_config', `${unknown.join(', ')}: no such setting.`);
  }
  return configOf(env);
}

const camelCase = (name: string): string =>
  name.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

const SETTINGS: readonly Setting[] = ENV_VARIABLES.map(({ name, help, placeholder }) => ({
  flag: camelCase(flagName(name)),
  variable: name,
  help,
  placeholder,
}));

/** Those that say where an installation's log and stores are. */
const PLACES = SETTINGS.filter(({ flag }) => ['data', 'log', 'tally', 'ledger'].includes(flag));

/** And where its archive is. */
const ARCHIVE_PLACES = SETTINGS.filter(({ flag }) =>
  ['log', 'tally', 'ledger', 'archive'].includes(flag),
);

async function archiveEngines(io: CliIo, flags: Values, command: string) {
  const config = configWith(io, flags);
  const { enginesOf } = await import('./compose/engines.ts');
  const { firstPartitions } = await import('./compose/first-partitions.ts');
  return { engines: enginesOf(config, command), partitions: firstPartitions(config) };
}

const serveDeps = (io: CliIo): ServeDeps => ({
  settings: SETTINGS,
  check: (flags) => checkEmbedded(configWith(io, flags)),
  start: (flags) => {
    const config = configWith(io, flags);
    // Threads are named here: inside the executable only a file of src/ itself can find them.
    const spawn = (name: string, workerData: unknown): Worker =>
      new Worker(new URL(`./threads/${name}.ts`, import.meta.url), { workerData });
    return serve(config, spawn, createLogger(config.logLevel, 'serve'));
  },
});

const AGGREGATE_ONCE: RoleOnce = {
  help: 'bring the ledger up to where the log ends now, tell what was done, and exit',
  run: async (flags, signal, io) => {
    const config = configWith(io, flags);
    const { runAggregateOnce } = await import('./compose/roles.ts');
    const logger = createLogger(config.logLevel, 'aggregate');
    return tellAggregated(await runAggregateOnce(config, logger, signal), io);
  },
};

const roleCommand = (role: Role): Subcommand => {
  const summary = ROLES[role];
  const run = (argv: readonly string[], io: CliIo): Promise<ExitCode> =>
    runRole(argv, io, {
      role,
      summary,
      settings: SETTINGS,
      check: (flags) => checkApart(role, configWith(io, flags)),
      start: async (flags, signal) => {
        const config = configWith(io, flags);
        // Loaded where it is needed: the clients of all servers would cost every command its start.
        const { startRole } = await import('./compose/roles.ts');
        return startRole(role, config, createLogger(config.logLevel, role), signal);
      },
      ...(role === 'aggregate' ? { once: AGGREGATE_ONCE } : {}),
    });
  return { summary, run };
};

const COMMANDS: Readonly<Record<string, Subcommand>> = {
  serve: {
    summary: 'Serve votes, results, pages and feeds.',
    run: (argv, io) => runServe(argv, io, serveDeps(io)),
  },
  ingest: roleCommand('ingest'),
  tally: roleCommand('tally'),
  ledger: roleCommand('ledger'),
  query: roleCommand('query'),
  aggregate: roleCommand('aggregate'),
  rate: roleCommand('rate'),
  archive: roleCommand('archive'),
  sync: roleCommand('sync'),
  poll: { summary: 'Create and drive polls.', run: runPoll },
  load: {
    summary: 'Send votes or pulses at a rate, and prove that each counted once.',
    run: runLoad,
  },
  'dead-letters': {
    summary: 'Decide about pulses and usage that could not be processed.',
    run: runDeadLetters,
  },
  audit: {
    summary: 'Hold the stores against the log.',
    run: (argv, io) =>
      runAudit(argv, io, PLACES, (flags, onProgress) =>
        auditInstallation(configWith(io, flags), onProgress),
      ),
  },
  rebuild: {
    summary: 'Rebuild a store from the log.',
    run: (argv, io) =>
      runRebuild(argv, io, PLACES, (flags, store, onProgress) =>
        rebuildStore(configWith(io, flags), store, onProgress),
      ),
  },
  migrate: {
    summary: 'Bring the schema of ledger and catalogue up to date.',
    run: (argv, io) =>
      runMigrate(argv, io, PLACES, async (flags) => {
        const { migrate } = await import('./compose/offline-apart.ts');
        return migrate(configWith(io, flags));
      }),
  },
  grow: {
    summary: 'Make a newer log with more partitions.',
    run: (argv, io) =>
      runGrow(argv, io, PLACES, PARTITIONS_MAX, async (flags, partitions) => {
        const { grow } = await import('./compose/offline-apart.ts');
        return grow(configWith(io, flags), partitions);
      }),
  },
  'archive-replay': {
    summary: 'Bring pulses back from the archive into the ledger.',
    run: (argv, io) =>
      runArchiveReplay(argv, io, ARCHIVE_PLACES, async (flags, span, onPage) => {
        const { partitions, engines } = await archiveEngines(io, flags, 'archive-replay');
        const { replayRange } = await import('./compose/archive-range.ts');
        return replayRange(engines, { ...span, partitions }, onPage);
      }),
  },
  'archive-export': {
    summary: 'Write pulses or votes of the archive to a file.',
    run: (argv, io) =>
      runArchiveExport(argv, io, ARCHIVE_PLACES, async (flags, target, onPage) => {
        const { partitions, engines } = await archiveEngines(io, flags, 'archive-export');
        const { exportRange } = await import('./compose/archive-range.ts');
        return exportRange(engines, { ...target, partitions }, onPage);
      }),
  },
  doctor: {
    summary: 'Check what the promises rest on.',
    run: (argv, io) => runDoctor(argv, io, examine),
  },
  export: { summary: 'Write votes or results to a file.', run: runExport },
  top: { summary: 'Watch the count in the terminal.', run: runTop },
};

/** This process, as commands may touch it. */
function processIo(signal: AbortSignal): CliIo {
  return {
    stdout: (text) => {
      if (process.stdout.write(text)) return;
      return new Promise((resolve) => process.stdout.once('drain', resolve));
    },
    stderr: (text) => void process.stderr.write(text),
    env: processEnv(),
    isTTY: process.stdout.isTTY === true && process.stderr.isTTY === true,
    get columns() {
      return process.stdout.columns ?? 80;
    },
    get rows() {
      return process.stdout.rows ?? 24;
    },
    signal,
  };
}

async function main(): Promise<ExitCode> {
  const stop = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => stop.abort());
  }
  return runGroup(
    {
      name: 'apura',
      summary: 'Apura counts votes that must not be miscounted.',
      commands: COMMANDS,
    },
    process.argv.slice(2),
    processIo(stop.signal),
  );
}

process.exitCode = await main();
