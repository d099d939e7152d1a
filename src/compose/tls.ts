/** The certificate of every port, as the settings name its files. */
import { readFileSync } from 'node:fs';
import type { Config } from '../config/config.ts';
import { ApuraError } from '../domain/errors.ts';

/** @throws ApuraError `invalid_config`: a file that can not be read. */
export function tlsOf({ tls }: Config): { readonly cert: string; readonly key: string } | null {
  return tls === null ? null : { cert: readPem(tls.certFile), key: readPem(tls.keyFile) };
}

function readPem(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    throw new ApuraError('invalid_config', `Can't read the PEM file ${file}.`, { cause });
  }
}
