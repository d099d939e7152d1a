/** `apura doctor`: looks at what the promises rest on, and says what it found. */

import type { CliIo, ExitCode } from './cli-io.ts';
import { integerFlag, switchFlag, textFlag } from './flag.ts';
import { runCommand } from './run-command.ts';

/** One thing that was looked at. */
export interface Finding {
  readonly what: string;
  /** `warn`: works, but think about it; `fail`: Apura will not keep its promises like this. */
  readonly verdict: 'ok' | 'warn' | 'fail';
  readonly detail: string;
}

export type Examine = (options: {
  readonly folder: string;
  readonly port: number;
}) => Promise<readonly Finding[]>;

const command = (io: CliIo) => ({
  name: 'apura doctor',
  summary: 'Check durability, disk, clock, port and files; exit 1 if anything fails.',
  flags: {
    data: textFlag('data folder', 'FOLDER', io.env['APURA_DATA'] ?? './data'),
    httpPort: integerFlag('port that serve would take', Number(io.env['APURA_HTTP_PORT'] ?? 8080), {
      min: 0,
      max: 65_535,
    }),
    json: switchFlag('one JSON object instead of words', false),
  },
});

export function runDoctor(argv: readonly string[], io: CliIo, examine: Examine): Promise<ExitCode> {
  return runCommand(command(io), argv, io, async ({ data, httpPort, json }) => {
    const findings = await examine({ folder: data, port: httpPort });
    const failed = findings.some(({ verdict }) => verdict === 'fail');
    await io.stdout(
      json
        ? `${JSON.stringify({ ok: !failed, findings })}\n`
        : findings
            .map(({ what, verdict, detail }) => `${verdict.padEnd(4)}  ${what}: ${detail}\n`)
            .join(''),
    );
    return failed ? 1 : 0;
  });
}
