/** What the commands of the archive take, and what they tell. */
import { describe, expect, test } from 'bun:test';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { recordingIo } from '../../../test/support/recording-io.ts';
import { ApuraError } from '../../domain/errors.ts';
import type { CliIo } from './cli-io.ts';
import {
  type ExportRange,
  type ReplayRange,
  runArchiveExport,
  runArchiveReplay,
} from './run-archive.ts';

const PLACES = [
  { flag: 'archive', variable: 'APURA_ARCHIVE', help: 'the archive', placeholder: 'URL' },
];
const SPAN = ['--from', '2026-10-01T00:00:00Z', '--to', '2026-10-31T21:00:00-03:00'];
const FROM = Date.UTC(2026, 9, 1);
const TO = Date.UTC(2026, 10, 1);
const never = (): never => {
  throw new Error('It was called.');
};

const ONE = { read: 3_000, restored: 2_000, leftAlone: 999, unreadable: 1 };
const TWO = { read: 5, restored: 5, leftAlone: 0, unreadable: 0 };
const BOTH = { read: 3_005, restored: 2_005, leftAlone: 999, unreadable: 1 };

const stopped = (): Partial<CliIo> => ({ signal: AbortSignal.abort() });

describe('archive-replay', () => {
  const replay = async (
    argv: readonly string[],
    replayRange: ReplayRange,
    given: Partial<CliIo> = {},
  ) => {
    const io = recordingIo(given);
    const exitCode = await runArchiveReplay(argv, io, PLACES, replayRange);
    return { exitCode, out: io.out, err: io.err };
  };
  const whole: ReplayRange = async (_settings, _span, onPage) => {
    onPage(ONE);
    onPage(BOTH);
    return {
      ...BOTH,
      partitions: new Map([
        [10, TWO],
        [2, ONE],
      ]),
    };
  };

  test('replays exactly the span, with the given settings', async () => {
    const asked: unknown[] = [];
    const { exitCode } = await replay([...SPAN, '--archive', 'cassandra://h/k'], (...all) => {
      asked.push(all[0], all[1]);
      return whole(...all);
    });
    expect(exitCode).toBe(0);
    expect(asked).toEqual([{ APURA_ARCHIVE: 'cassandra://h/k' }, { from: FROM, to: TO }]);
  });

  test('tells what became of the pulses of each partition, and of all', async () => {
    const { out, err } = await replay(SPAN, whole);
    expect(out).toBe(
      'PARTITION   READ  RESTORED  LEFT ALONE  UNREADABLE\n' +
        '        2  3,000     2,000         999           1\n' +
        '       10      5         5           0           0\n' +
        '      all  3,005     2,005         999           1\n',
    );
    expect(err).toBe('');
  });

  test('shows how far it is where somebody watches, and clears the line', async () => {
    const { err } = await replay(SPAN, whole, { isTTY: true });
    expect(err).toContain('read 3,005, restored 2,005');
    expect(err).toEndWith('\r\u001b[K');
  });

  test('told to stop, ends behind a page, and says that it can be gone on with', async () => {
    let ended = false;
    const { exitCode, out, err } = await replay(
      SPAN,
      async (...all) => {
        const report = await whole(...all);
        ended = true;
        return report;
      },
      stopped(),
    );
    expect([exitCode, out, ended]).toEqual([1, '', false]);
    expect(err).toBe('Stopped. What is restored stays; run it again to go on.\n');
  });

  test('says why it could not', async () => {
    const { exitCode, err } = await replay(SPAN, async () => {
      throw new ApuraError('store_unavailable', 'No node answers.');
    });
    expect([exitCode, err]).toEqual([1, 'store_unavailable: No node answers.\n']);
  });

  test.each([
    [[], '--from must be a time'],
    [['--from', '2026-10-01T00:00:00Z'], '--to must be a time'],
    [['--from', '2026-02-30T00:00:00Z', '--to', '2026-10-01T00:00:00Z'], '--from must be a time'],
    [
      ['--from', '2026-10-01T00:00:00Z', '--to', '2026-10-01T00:00:00Z'],
      '--from must lie before --to',
    ],
    [['--from', '2026-10-01', '--to', '2026-10-02'], '--from must be a time'],
  ])('replays nothing for %j', async (argv: string[], words: string) => {
    const { exitCode, err } = await replay(argv, never);
    expect(exitCode).toBe(2);
    expect(err).toContain(words);
  });

  test('help names span and settings', async () => {
    const { out } = await replay(['--help'], never);
    expect(out).toContain('--from TIME');
    expect(out).toContain('(APURA_ARCHIVE)');
    expect(out).toContain('Example: apura archive-replay --from 2026-10-01T00:00:00Z');
  });
});

describe('archive-export', () => {
  const exported = async (
    argv: readonly string[],
    exportRange: ExportRange,
    given: Partial<CliIo> = {},
  ) => {
    const io = recordingIo(given);
    const exitCode = await runArchiveExport(argv, io, PLACES, exportRange);
    return { exitCode, out: io.out, err: io.err };
  };
  const whole: ExportRange = async (_settings, _target, onPage) => {
    onPage(1_000);
    return { rows: 1_234, bytes: 56_789, unreadable: 0 };
  };
  const NOWHERE = join(tmpdir(), 'apura-no-such-folder', 'pulses');

  test('writes exactly the span to the file, in the format, with the given settings', async () => {
    const asked: unknown[] = [];
    const argv = [...SPAN, '--out', NOWHERE, '--format', 'parquet', '--archive', 'cassandra://h/k'];
    const { exitCode, out, err } = await exported(argv, (...all) => {
      asked.push(all[0], all[1]);
      return whole(...all);
    });
    expect([exitCode, err]).toEqual([0, '']);
    expect(asked).toEqual([
      { APURA_ARCHIVE: 'cassandra://h/k' },
      { from: FROM, to: TO, what: { kind: 'pulses' }, format: 'parquet', path: NOWHERE },
    ]);
    expect(out).toBe(`${NOWHERE}: 1,234 pulses, 56,789 bytes\n`);
  });

  test.each([
    [['--what', 'votes', ...SPAN], { from: FROM, to: TO, what: { kind: 'votes', poll: null } }],
    [
      ['--what', 'votes', '--poll', 'final', ...SPAN],
      { from: FROM, to: TO, what: { kind: 'votes', poll: 'final' } },
    ],
    [
      ['--what', 'votes', '--poll', 'final'],
      { from: 0, to: Number.MAX_SAFE_INTEGER, what: { kind: 'votes', poll: 'final' } },
    ],
  ])('writes votes for %j', async (argv: string[], expected: object) => {
    let asked: unknown;
    const { out } = await exported([...argv, '--out', NOWHERE], (settings, target, onPage) => {
      asked = target;
      return whole(settings, target, onPage);
    });
    expect(asked).toEqual({ ...expected, format: 'ndjson', path: NOWHERE });
    expect(out).toBe(`${NOWHERE}: 1,234 votes, 56,789 bytes\n`);
  });

  test('is NDJSON unless told', async () => {
    let format = '';
    await exported([...SPAN, '--out', NOWHERE], (settings, target, onPage) => {
      format = target.format;
      return whole(settings, target, onPage);
    });
    expect(format).toBe('ndjson');
  });

  test.each(['pulses', 'votes'])('says how many %s could not be read', async (what) => {
    const argv = ['--what', what, ...SPAN, '--out', NOWHERE];
    const { exitCode, err } = await exported(argv, async () => ({
      rows: 1,
      bytes: 2,
      unreadable: 3,
    }));
    expect([exitCode, err]).toEqual([0, `3 are no ${what} by today's rules, and were left out.\n`]);
  });

  test('writes over a file that is there only when it is told to', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'apura-archive-'));
    try {
      const file = join(folder, 'pulses.csv');
      writeFileSync(file, 'precious');
      const argv = [...SPAN, '--out', file];
      const refused = await exported(argv, never);
      expect(refused.exitCode).toBe(2);
      expect(refused.err).toContain('is there already; --force writes over it');
      expect((await exported([...argv, '--force'], whole)).exitCode).toBe(0);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });

  test('a file that can not be written is a wrong command line, in words', async () => {
    const { exitCode, err } = await exported([...SPAN, '--out', NOWHERE], async () => {
      await open(NOWHERE, 'w');
      return never();
    });
    expect(exitCode).toBe(2);
    expect(err).toStartWith(`usage: ${NOWHERE} can not be written: ENOENT`);
  });

  test('what is no fault of the file is told as it is', async () => {
    const { exitCode, err } = await exported([...SPAN, '--out', NOWHERE], async () => {
      throw new ApuraError('store_corrupt', 'A row is not what was put.');
    });
    expect([exitCode, err]).toEqual([1, 'store_corrupt: A row is not what was put.\n']);
    await expect(exported([...SPAN, '--out', NOWHERE], never)).rejects.toThrow('It was called.');
  });

  test('shows how far it is where somebody watches, and clears the line', async () => {
    const { err } = await exported([...SPAN, '--out', NOWHERE], whole, { isTTY: true });
    expect(err).toBe('\r\u001b[Kread 1,000\r\u001b[K');
  });

  test('told to stop, says that there is no file', async () => {
    const { exitCode, out, err } = await exported([...SPAN, '--out', NOWHERE], whole, stopped());
    expect([exitCode, out, err]).toEqual([1, '', 'Stopped. No file was written.\n']);
  });

  test.each([
    [SPAN, '--out names the file'],
    [['--out', NOWHERE], '--from must be a time'],
    [['--out', NOWHERE, '--what', 'votes'], '--from must be a time'],
    [['--out', NOWHERE, '--what', 'votes', '--poll', 'x', ...SPAN.slice(2)], '--from must be'],
    [[...SPAN, '--out', NOWHERE, '--poll', 'final'], '--poll is for --what votes'],
    [[...SPAN, '--out', NOWHERE, '--format', 'xml'], 'must be one of ndjson, csv, parquet'],
  ])('writes nothing for %j', async (argv: string[], words: string) => {
    const { exitCode, err } = await exported(argv, never);
    expect(exitCode).toBe(2);
    expect(err).toContain(words);
  });

  test('help names the formats', async () => {
    expect((await exported(['--help'], never)).out).toContain('ndjson, csv, parquet');
  });
});
