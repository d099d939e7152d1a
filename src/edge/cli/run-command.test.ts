/** Whatever goes wrong, a command ends with words on standard error and the exit code that fits. */
import { expect, test } from 'bun:test';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { ApuraError } from '../../domain/errors.ts';
import { switchFlag } from './flag.ts';
import { runCommand, runGroup } from './run-command.ts';

const command = {
  name: 'apura sample',
  summary: 'A sample.',
  flags: { json: switchFlag('print JSON', false) },
};

test('a command that runs returns its own exit code', async () => {
  const io = recordingIo();
  expect(await runCommand(command, ['--json'], io, async ({ json }) => (json ? 1 : 0))).toBe(1);
  expect([io.out, io.err]).toEqual(['', '']);
});

test('a wrong command line is told on standard error and exits with 2', async () => {
  const io = recordingIo();
  expect(await runCommand(command, ['--yaml'], io, async () => 0)).toBe(2);
  expect(io.err).toContain('usage: apura sample does not know --yaml; it knows --json --help');
  expect(io.err).toContain('See apura sample --help');
});

test('help goes to standard output and exits with 0', async () => {
  const io = recordingIo();
  expect(await runCommand(command, ['--help'], io, async () => 1)).toBe(0);
  expect(io.out).toContain('Usage: apura sample [flags]');
});

test('an error with a code is told by its code; any other one is not swallowed', async () => {
  const io = recordingIo();
  const unreachable = new ApuraError('server_unreachable', 'No one answers.');
  expect(await runCommand(command, [], io, () => Promise.reject(unreachable))).toBe(1);
  expect(io.err).toBe('server_unreachable: No one answers.\n');
  const usage = new ApuraError('usage', 'A flag is missing.');
  expect(await runCommand(command, [], io, () => Promise.reject(usage))).toBe(2);
  const bug = new TypeError('a bug');
  expect(runCommand(command, [], io, () => Promise.reject(bug))).rejects.toBe(bug);
});

test('a group runs the command that is named, and tells what it knows otherwise', async () => {
  const seen: (readonly string[])[] = [];
  const group = {
    name: 'apura poll',
    summary: 'Polls.',
    commands: {
      list: {
        summary: 'lists polls',
        run: async (argv: readonly string[]) => {
          seen.push(argv);
          return 0 as const;
        },
      },
    },
  };
  const io = recordingIo();
  expect(await runGroup(group, ['list', '--json'], io)).toBe(0);
  expect(seen).toEqual([['--json']]);
  expect(await runGroup(group, ['--help'], io)).toBe(0);
  expect(io.out).toContain('list  lists polls');
  expect(await runGroup(group, ['lst'], io)).toBe(2);
  expect(await runGroup(group, ['constructor'], io)).toBe(2);
  expect(await runGroup(group, [], io)).toBe(2);
  expect(io.err).toContain('apura poll does not know "lst"; it knows list');
  expect(io.err).toContain('apura poll needs a command; it knows list');
});
