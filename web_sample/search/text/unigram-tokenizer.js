/** The content of a `unigram` asset and texts enter; the ids of the most probable pieces leave (SigLIP, XLM-R). */

import { malformed, reading, shown, wellFormed } from '../malformed.js';
import { words } from './cleaning-steps.js';
import { FramedTokenizer, spaceMark } from './id-frame.js';
import { codePointSet } from './text-tables.js';
import { utf8, width } from './vocabulary.js';

export class UnigramTokenizer extends FramedTokenizer {
  /** Throws `Malformed` or `BadFileError`. @param {import('../container.js').Container} container */
  constructor(container) {
    super(container);
    this.scores = container.tensor('scores', 'F32', this.size);
    this.unknownScore = decimal(container, 'unknown_score');
    this.spaceMark = spaceMark(container); // stands in front of each word
    this.breaks = codePointSet(container, 'breaks');
  }

  verify() {
    super.verify();
    reading(this.name, () =>
      wellFormed(this.scores.every(Number.isFinite), () => 'scores have one that is no finite number'));
  }

  /** @param {string} text */
  encode(text) {
    return this.frame.ids(this.#tokens(this.steps.cleaned(text)));
  }

  /** @param {number[]} cleaned */
  *#tokens(cleaned) {
    for (const word of words(cleaned, this.breaks)) for (const part of this.#parts(word)) yield* this.#best(utf8(part));
  }

  /** A word with the mark in front, cut before each mark in it. @param {number[]} word */
  #parts(word) {
    /** @type {number[][]} */
    const parts = [];
    for (const point of word) {
      if (point === this.spaceMark) parts.push([]);
      else if (parts.length === 0) parts.push([this.spaceMark]);
      parts[parts.length - 1].push(point);
    }
    return parts;
  }

  /** The pieces whose scores have the largest sum, the first found of equal sums. @param {Uint8Array} part */
  #best(part) {
    const sums = new Float64Array(part.length + 1).fill(-Infinity, 1); // of the best pieces up to each byte
    const starts = new Uint32Array(part.length + 1); // of the last of them, and which it is
    const tokens = new Uint32Array(part.length + 1).fill(this.unknownToken);
    /** @param {number} start @param {number} end @param {number} score @param {number} token */
    const offer = (start, end, score, token) => {
      if (!(sums[start] + score > sums[end])) return;
      [sums[end], starts[end], tokens[end]] = [sums[start] + score, start, token];
    };
    for (let start = 0, next = 0; start < part.length; start = next) {
      next = start + width(part[start]);
      let isPiece = false;
      this.vocabulary.eachAt(part, start, (token, length) => {
        offer(start, start + length, this.scores[token], token);
        isPiece ||= start + length === next;
      });
      if (!isPiece) offer(start, next, this.unknownScore, this.unknownToken);
    }
    return this.#traced(starts, tokens);
  }

  /** From a part's end to its start, put in order; unknown neighbours are one. @param {Uint32Array} starts
   * @param {Uint32Array} tokens */
  #traced(starts, tokens) {
    const found = [];
    for (let end = tokens.length - 1; end > 0; end = starts[end]) {
      if (tokens[end] !== this.unknownToken || found[found.length - 1] !== tokens[end]) found.push(tokens[end]);
    }
    return found.reverse();
  }
}

/** @param {import('../container.js').Container} container @param {string} key */
function decimal(container, key) {
  const written = container.text(key);
  return /^-?[0-9]+(\.[0-9]+)?(e[-+]?[0-9]+)?$/.test(written) && Number.isFinite(Number(written)) ? Number(written)
    : malformed(`${key} is ${shown(written)}, expected a finite decimal number`);
}
