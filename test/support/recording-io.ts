/** A command's surroundings in a test: what it says is kept, nothing of the process is touched. */
import type { CliIo } from '../../src/edge/cli/cli-io.ts';

export interface RecordingIo extends CliIo {
  out: string;
  err: string;
}

export function recordingIo(given: Partial<CliIo> = {}): RecordingIo {
  return {
    out: '',
    err: '',
    stdout(text: string) {
      this.out += text;
    },
    stderr(text: string) {
      this.err += text;
    },
    env: {},
    isTTY: false,
    columns: 80,
    ...given,
  };
}
