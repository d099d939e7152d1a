/** Dead letters as the API shows them, as far as the commands read them. */
import { ApuraError } from '../../domain/errors.ts';
import type { Json } from './operator-api.ts';
import { textTable } from './text-table.ts';

/** Letters for a person, one a line. @throws ApuraError `server_unreachable`: one is no letter. */
export function letterTable(letters: readonly Json[]): string {
  const rows = letters.map((letter) => {
    const { id, queue, state, code, tenant, attempts, lastFailedAt } = sound(letter);
    return [id, queue, state, code, tenant, attempts, lastFailedAt].map(shown);
  });
  const heads = ['ID', 'QUEUE', 'STATE', 'CODE', 'TENANT', 'TRIES', 'LAST FAILED'];
  return textTable(heads, rows, ['TRIES']);
}

/** All that there is to one letter, its bytes in hex digits. @throws ApuraError `server_unreachable`. */
export function letterText(letter: Json): string {
  const { origin, bytes, ...fields } = sound(letter);
  const { logId, partition, offset, index } = (origin ?? {}) as Json;
  const place = typeof index === 'number' ? `, place ${index}` : '';
  const rows = Object.entries(fields).map(([name, value]) => [name, shown(value)]);
  rows.push(['origin', `log ${logId}, partition ${partition}, offset ${offset}${place}`]);
  rows.push(['bytes', Buffer.from(String(bytes ?? ''), 'base64').toString('hex')]);
  return textTable(['FIELD', 'VALUE'], rows);
}

function sound(letter: Json): Json {
  if (typeof letter.id === 'string' && typeof letter.state === 'string') return letter;
  throw new ApuraError('server_unreachable', 'The answer is not a dead letter. Is this Apura?');
}

function shown(value: unknown): string {
  return value === null || value === undefined ? '-' : String(value);
}
