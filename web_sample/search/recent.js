/** Values enter by keys; those used last leave again. */

/** The `most` values used last. @template K, V */
export class Recent {
  /** @type {Map<K, V>} */
  #kept = new Map();

  /** @param {number} most */
  constructor(most) {
    this.most = most;
  }

  /** @param {K} key */
  get(key) {
    const found = this.#kept.get(key);
    if (found !== undefined) this.set(key, found);
    return found;
  }

  /** Keeps and answers the value. @param {K} key @param {V} value */
  set(key, value) {
    this.#kept.delete(key);
    this.#kept.set(key, value);
    const [oldest] = this.#kept.keys();
    if (this.#kept.size > this.most) this.#kept.delete(oldest);
    return value;
  }
}
