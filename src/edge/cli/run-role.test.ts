/** What the command of a role does: runs on until told to stop, checks its settings, or runs once. */
import { describe, expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { ApuraError } from '../../domain/errors.ts';
import { type RoleDeps, type RoleProcess, runRole } from './run-role.ts';

const STARTED: RoleProcess = {
  url: 'http://127.0.0.1:1',
  durability: 'replicated',
  logIds: ['abc', 'def'],
  failed: new Promise(() => {}),
  stop: async () => {},
};

async function run(argv: readonly string[], change: Partial<RoleDeps> = {}) {
  const called: string[] = [];
  const told = new AbortController();
  told.abort();
  const io = recordingIo({ signal: told.signal });
  const exitCode = await runRole(argv, io, {
    role: 'aggregate',
    summary: 'Aggregate.',
    settings: [{ flag: 'log', variable: 'APURA_LOG', help: 'the log', placeholder: 'URL' }],
    check: (values) => void called.push(`check ${JSON.stringify(values)}`),
    start: async (values) => {
      called.push(`start ${JSON.stringify(values)}`);
      return { ...STARTED, stop: async () => void called.push('stop') };
    },
    once: {
      help: 'run once',
      run: async (values, signal, inner) => {
        called.push(`once ${JSON.stringify(values)} ${signal === told.signal}`);
        await inner.stdout('Done.\n');
        return 1;
      },
    },
    ...change,
  });
  return { exitCode, out: io.out, err: io.err, called };
}

const NO_ONCE = {
  role: 'rate',
  summary: 'Rate.',
  settings: [],
  check: () => {},
  start: async () => STARTED,
} satisfies RoleDeps;

describe('a role', () => {
  test('starts with the given settings, says where it is, and stops when it is told to', async () => {
    const { exitCode, out, called } = await run(['--log', 'kafka://h/t']);
    expect(exitCode).toBe(0);
    expect(out).toBe(
      'Apura aggregate is ready: http://127.0.0.1:1\n  durability replicated (log abc, def)\n',
    );
    expect(called).toEqual(['start {"APURA_LOG":"kafka://h/t"}', 'stop']);
  });

  test('says where its gRPC port is, if it has one', async () => {
    const start = async () => ({ ...STARTED, grpcUrl: 'http://127.0.0.1:2' });
    expect((await run([], { start })).out).toEndWith('  gRPC http://127.0.0.1:2\n');
  });

  test('checks its settings without starting', async () => {
    const { exitCode, out, called } = await run(['--validate-config', '--log', 'x']);
    expect([exitCode, out]).toEqual([0, 'The settings are in order.\n']);
    expect(called).toEqual(['check {"APURA_LOG":"x"}']);
  });

  test('with --once runs once, and ends with the exit code of that run', async () => {
    const { exitCode, out, called } = await run(['--once', '--log', 'x']);
    expect([exitCode, out]).toEqual([1, 'Done.\n']);
    expect(called).toEqual(['once {"APURA_LOG":"x"} true']);
  });

  test('tells why it can not run once', async () => {
    const once = {
      help: 'run once',
      run: async () => {
        throw new ApuraError('log_unavailable', 'No broker answers.');
      },
    };
    const { exitCode, err } = await run(['--once'], { once });
    expect([exitCode, err]).toEqual([1, 'log_unavailable: No broker answers.\n']);
  });

  test('that can only run on knows no --once, and help does not name it', async () => {
    const io = recordingIo();
    expect(await runRole(['--once'], io, NO_ONCE)).toBe(2);
    expect(io.err).toContain('--once');
    await runRole(['--help'], io, NO_ONCE);
    expect(io.out).toContain('--validate-config');
    expect(io.out).not.toContain('--once');
    expect((await run(['--help'])).out).toMatch(/--once +run once/);
  });
});
