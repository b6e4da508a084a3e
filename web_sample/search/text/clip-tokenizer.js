/** The content of a tokenizer asset of the family `clip-bpe` and texts enter; token ids equal to open_clip's leave. */

import { ANY } from '../container.js';
import { malformed, reading, shown, wellFormed } from '../malformed.js';
import { BytePairs } from './byte-pairs.js';
import { clean } from './text-clean.js';
import { points } from './text-html.js';
import { TextTables } from './text-tables.js';

/**
 * @typedef {import('../container.js').Container} Container
 * @typedef {import('./tokenizers.js').TextTokenizer} TextTokenizer
 */

const MOST = 65_536;

/**
 * CLIP's tokenizer. A text of n nested `&amp;amp;...` takes n rounds: bound what a user can paste.
 *
 * @implements {TextTokenizer}
 */
export class ClipTokenizer {
  #name;
  #tables;
  #pairs;
  #startToken;
  #endToken;
  #padToken;
  #special;
  #literals;

  /** Throws `Malformed` or `BadFileError`. @param {Container} container */
  constructor(container) {
    this.#name = container.name;
    this.#tables = new TextTables(container);
    this.#pairs = new BytePairs(container.tensor('merges', 'U16', ANY, 2), container.tensor('byte_ids', 'U16', 256));
    this.#startToken = number(container, 'start_token');
    this.#endToken = number(container, 'end_token');
    this.#padToken = number(container, 'pad_token');
    const special = new Map([
      [container.text('start_text'), this.#startToken], [container.text('end_text'), this.#endToken]]);
    this.#special = Array.from(special, ([text, token]) => ({ word: points(text), token }));
    this.#literals = [...special.keys(), ...container.text('contractions').split(' ')].map(points);
    /** How many ids a text has. */
    this.contextLength = number(container, 'context_length');
    wellFormed(this.contextLength >= 2, () => `a context of ${this.contextLength} tokens`);
  }

  /**
   * The ids: the start token, the text's tokens, cut where there are too many, the end token, padding. Throws
   * `BadFileError` if the asset is damaged so that the text would never be done.
   *
   * @param {string} text
   */
  encode(text) {
    const cleaned = reading(this.#name, () => clean(points(text), this.#tables));
    const ids = [this.#startToken];
    for (let position = 0; position < cleaned.length && ids.length < this.contextLength - 1;) {
      const end = this.#wordEnd(cleaned, position);
      if (end > position) {
        const room = this.contextLength - 1 - ids.length;
        ids.push(...this.#tokens(cleaned.slice(position, end)).slice(0, room));
      }
      position = Math.max(end, position + 1); // what no rule takes is passed over
    }
    ids.push(this.#endToken);
    const padded = new Int32Array(this.contextLength).fill(this.#padToken);
    padded.set(ids);
    return padded;
  }

  /** @param {number[]} word */
  #tokens(word) {
    const special = this.#special.find((one) =>
      one.word.length === word.length && one.word.every((point, index) => point === word[index]));
    return special ? [special.token] : this.#pairs.tokens(utf8(word));
  }

  /** Where the word ends that the first rule that takes anything makes; `start` if there is none.
   * @param {number[]} text @param {number} start */
  #wordEnd(text, start) {
    const { letters, numbers, separators } = this.#tables;
    for (const literal of this.#literals) if (this.#standsAt(text, start, literal)) return start + literal.length;
    if (letters.has(text[start])) return runEnd(text, start, (point) => letters.has(point));
    if (numbers.has(text[start])) return start + 1; // each digit is a word
    return runEnd(text, start, (point) => !letters.has(point) && !numbers.has(point) && !separators.has(point));
  }

  /** @param {number[]} text @param {number} start @param {number[]} literal */
  #standsAt(text, start, literal) {
    return literal.every((point, index) => this.#tables.ignoringCase(text[start + index]) === point);
  }
}

/** @param {number[]} text @param {number} start @param {(point: number) => boolean} belongs */
function runEnd(text, start, belongs) {
  let end = start;
  while (end < text.length && belongs(text[end])) end += 1;
  return end;
}

/** @param {Container} container @param {string} key */
function number(container, key) {
  const written = container.text(key);
  const found = Number(written);
  return /^[0-9]+$/.test(written) && found < MOST ? found : malformed(`${key} is ${shown(written)}`);
}

/** UTF-8; surrogates, which only damaged tables can leave, as three bytes. @param {number[]} text */
function utf8(text) {
  return text.flatMap((point) => {
    const [low, middle, high] = [0, 6, 12].map((bits) => 0x80 | ((point >> bits) & 0x3f));
    if (point < 0x80) return [point];
    if (point < 0x800) return [0xc0 | (point >> 6), low];
    return point < 0x10000 ? [0xe0 | (point >> 12), middle, low] : [0xf0 | (point >> 18), high, middle, low];
  });
}
