/**
 * The content of a `gemma-bpe` asset and texts enter; token ids leave: pair encoding with byte fallback (SigLIP 2).
 *
 * A piece's rank is its id, so the asset holds no merges: neighbours join where their bytes together are a piece.
 */

import { wellFormed } from '../malformed.js';
import { joined } from './byte-pairs.js';
import { FramedTokenizer, spaceMark } from './id-frame.js';
import { utf8, width } from './vocabulary.js';

const SPACE = 0x20;

export class GemmaTokenizer extends FramedTokenizer {
  /** Throws `Malformed` or `BadFileError`. @param {import('../container.js').Container} container */
  constructor(container) {
    super(container);
    this.byteTokens = container.tensor('byte_tokens', 'U32', 256); // of each byte of a character that is no piece
    wellFormed(this.byteTokens.every((token) => token < this.size), () =>
      `byte_tokens name a token that is none of ${this.size}`);
    this.spaceMark = spaceMark(container); // takes the place of a space
  }

  /** @param {string} text */
  encode(text) {
    const marked = this.steps.cleaned(text).map((point) => point === SPACE ? this.spaceMark : point);
    return this.frame.ids(this.#tokens(utf8(marked)));
  }

  /** @param {Uint8Array} text */
  #tokens(text) {
    /** @type {number[]} */
    const tokens = [];
    const starts = [0]; // of the tokens, and where the text ends
    /** @type {boolean[]} */
    const joins = []; // false for the token of a byte
    for (let start = 0, end = 0; start < text.length; start = end) {
      end = start + width(text[start]);
      const found = this.vocabulary.find(text, start, end);
      for (let place = start; place < end; place = starts[starts.length - 1]) {
        tokens.push(found ?? this.byteTokens[text[place]]);
        starts.push(found === undefined ? place + 1 : end);
        joins.push(found !== undefined);
      }
    }
    return joined(tokens, (left, right, next) =>
      joins[left] && joins[right] ? this.vocabulary.find(text, starts[left], starts[next]) : undefined);
  }
}
