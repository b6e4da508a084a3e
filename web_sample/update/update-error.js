/** What stopped an update enters; an error of one line leaves, with a kind by which an app decides what to do. */

/**
 * network: try later, what has come is kept. refused: the statement is not to be believed, or not for this app. damaged:
 * bytes are not those that the statement names. disk: the folder cannot be read or written.
 * @typedef {'network' | 'refused' | 'damaged' | 'disk'} UpdateErrorKind
 */

/** An update that did not come. What was in force stays in force. */
export class UpdateError extends Error {
  /** @param {UpdateErrorKind} kind @param {string} message one line @param {unknown} [cause] */
  constructor(kind, message, cause) {
    super(message, { cause });
    this.name = 'UpdateError';
    this.kind = kind;
  }
}

/**
 * Does the work; what fails there is of that kind, but for what has a kind already.
 *
 * @template T @param {UpdateErrorKind} kind @param {() => Promise<T>} work @returns {Promise<T>}
 */
export async function kindly(kind, work) {
  try {
    return await work();
  } catch (error) {
    throw error instanceof UpdateError ? error : new UpdateError(kind, `${error instanceof Error ? error.message : error}`, error);
  }
}
