/** The content of a tokenizer asset of the family `clip-bpe` and texts enter; token ids equal to open_clip's leave. */

import { ANY } from '../container.js';
import { BytePairs } from './byte-pairs.js';
import { CleaningSteps } from './cleaning-steps.js';
import { IdFrame, number } from './id-frame.js';
import { points } from './text-html.js';
import { TextTables } from './text-tables.js';
import { utf8 } from './vocabulary.js';

/**
 * @typedef {import('../container.js').Container} Container
 * @typedef {import('./tokenizers.js').TextTokenizer} TextTokenizer
 */

const MOST = 65_536; // ids
const STEPS = 'fix unhtml unhtml spaces lower';
const OF_WORDS = ['letters', 'numbers', 'separators', 'ignore_case'];

/**
 * CLIP's tokenizer. A text of n nested `&amp;amp;...` takes n rounds: bound what a user can paste.
 *
 * @implements {TextTokenizer}
 */
export class ClipTokenizer {
  #steps;
  #tables;
  #pairs;
  #frame;
  #special;
  #literals;

  /** Throws `Malformed` or `BadFileError`. @param {Container} container */
  constructor(container) {
    this.#steps = new CleaningSteps(container, STEPS);
    this.#tables = new TextTables(container, OF_WORDS);
    this.#pairs = new BytePairs(container.tensor('merges', 'U16', ANY, 2), container.tensor('byte_ids', 'U16', 256));
    this.#frame = new IdFrame(container, MOST, 0);
    const special = new Map(/** @type {const} */ (['start', 'end']).map((one) =>
      [container.text(`${one}_text`), number(container, `${one}_token`, MOST)]));
    this.#special = Array.from(special, ([text, token]) => ({ word: points(text), token }));
    this.#literals = [...special.keys(), ...container.text('contractions').split(' ')].map(points);
    this.contextLength = this.#frame.contextLength;
    this.size = Math.max(this.#pairs.size, ...Array.from(special.values(), (token) => token + 1));
  }

  verify() {} // all of it was read on opening

  /**
   * The ids: the start token, the text's tokens, cut where there are too many, the end token, padding. Throws
   * `BadFileError` if the asset is damaged so that the text would never be done.
   *
   * @param {string} text
   */
  encode(text) {
    return this.#frame.ids(this.#tokens(this.#steps.cleaned(text)));
  }

  /** @param {number[]} cleaned */
  *#tokens(cleaned) {
    for (let position = 0; position < cleaned.length;) {
      const end = this.#wordEnd(cleaned, position);
      if (end > position) yield* this.#tokensOf(cleaned.slice(position, end));
      position = Math.max(end, position + 1); // what no rule takes is passed over
    }
  }

  /** @param {number[]} word */
  #tokensOf(word) {
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
