/** Reads JSON that Apura itself wrote: every member known, present and well formed, or it throws. */
import type { ErrorCode } from './error-codes.ts';
import { ApuraError } from './errors.ts';

/** One value in a document, with the way to it for the error. Every reader throws where it is wrong. */
export class StrictJson {
  readonly #value: unknown;
  readonly #path: string;
  readonly #code: ErrorCode;

  private constructor(value: unknown, path: string, code: ErrorCode) {
    this.#value = value;
    this.#path = path;
    this.#code = code;
  }

  /** `name` and `code` are what an error says. @throws ApuraError `code`: the text is not JSON. */
  static parse(text: string, name: string, code: ErrorCode): StrictJson {
    try {
      return new StrictJson(JSON.parse(text), name, code);
    } catch (cause) {
      throw new ApuraError(code, `${name} is not JSON.`, { cause });
    }
  }

  /** The members of an object that has exactly these; those in `optional` may be missing. */
  object<Name extends string, Optional extends string = never>(
    names: readonly Name[],
    optional: readonly Optional[] = [],
  ): Readonly<Record<Name, StrictJson> & Partial<Record<Optional, StrictJson>>> {
    const value = this.#value;
    if (typeof value !== 'object' || value === null || Array.isArray(value)) {
      return this.#fail('an object');
    }
    const keys = Object.keys(value);
    const known: readonly string[] = [...names, ...optional];
    const unknown = keys.find((key) => !known.includes(key));
    if (unknown !== undefined) return this.#fail(`without ${JSON.stringify(unknown)}`);
    const missing = names.find((name) => !keys.includes(name));
    if (missing !== undefined) return this.#fail(`with ${missing}`);
    const members = Object.entries(value).map(([name, member]) => [
      name,
      new StrictJson(member, `${this.#path}.${name}`, this.#code),
    ]);
    return Object.fromEntries(members);
  }

  list(lengthMin: number, lengthMax: number): readonly StrictJson[] {
    const value = this.#value;
    if (!Array.isArray(value) || value.length < lengthMin || value.length > lengthMax) {
      return this.#fail(`a list of ${lengthMin} to ${lengthMax}`);
    }
    return value.map((entry, at) => new StrictJson(entry, `${this.#path}[${at}]`, this.#code));
  }

  text(isValid: (text: string) => boolean): string {
    const value = this.#value;
    return typeof value === 'string' && isValid(value) ? value : this.#fail('a valid text');
  }

  whole(min: number): number {
    const value = this.#value;
    return typeof value === 'number' && Number.isSafeInteger(value) && value >= min
      ? value
      : this.#fail(`a whole number from ${min} on`);
  }

  oneOf<T extends string>(known: readonly T[]): T {
    return known.find((each) => each === this.#value) ?? this.#fail(`one of ${known.join(', ')}`);
  }

  orNull<T>(read: (value: StrictJson) => T): T | null {
    return this.#value === null ? null : read(this);
  }

  #fail(expected: string): never {
    throw new ApuraError(this.#code, `${this.#path} is not ${expected}.`);
  }
}
