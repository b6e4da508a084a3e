/**
 * What is wrong with a file's content enters; an error of one line leaves that names the file.
 *
 * @typedef {'missing' | 'damaged' | 'mismatched'} FileErrorKind
 *   missing: the file is not there. damaged: it is cut, changed, or of another format or version. mismatched: it is
 *   whole, but belongs to other files: another embedding space, catalog, currency or width.
 */

/** A file that cannot be used. The message is one line, for developers; an app says `kind` in its own words. */
export class BadFileError extends Error {
  /** @param {string} file its name @param {string} problem one line @param {FileErrorKind} [kind] */
  constructor(file, problem, kind = 'damaged') {
    super(`${file}: ${problem}`);
    this.name = 'BadFileError';
    this.name_ = file;
    this.kind = kind;
  }
}

/** Content that is not what its format says; `reading` makes a `BadFileError` of it. */
export class Malformed extends Error {
  /** @param {string} message @param {FileErrorKind} [kind] */
  constructor(message, kind = 'damaged') {
    super(message);
    this.name = 'Malformed';
    this.kind = kind;
  }
}

/** @param {string} message @returns {never} */
export function malformed(message) {
  throw new Malformed(message);
}

/**
 * Throws `Malformed` unless the condition holds.
 *
 * @param {unknown} condition @param {() => string} message @param {FileErrorKind} [kind]
 * @returns {asserts condition}
 */
export function wellFormed(condition, message, kind = 'damaged') {
  if (!condition) throw new Malformed(message(), kind);
}

/**
 * Does the work; what is malformed in there becomes a `BadFileError` of the file `name`.
 *
 * @template T @param {string} name @param {() => T} work @returns {T}
 */
export function reading(name, work) {
  try {
    return work();
  } catch (error) {
    throw error instanceof Malformed ? new BadFileError(name, error.message, error.kind) : error;
  }
}

/** A text from a file, fit for an error: short, quoted, without control characters. @param {string} text */
export function shown(text) {
  return `'${text.slice(0, 60).replace(/[\u0000-\u001f\u007f-\u009f]/g, '?')}'`;
}

/**
 * Throws a RangeError unless the condition holds: for what a caller got wrong, not a file.
 *
 * @param {unknown} condition @param {() => string} message @returns {asserts condition}
 */
export function allowed(condition, message) {
  if (!condition) throw new RangeError(message());
}
