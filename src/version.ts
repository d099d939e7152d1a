/** The version that this program calls itself by: the one in package.json. */
import manifest from '../package.json' with { type: 'json' };

export const version: string = manifest.version;
