/** The content of a `wordpiece` asset and texts enter; token ids leave: the longest piece first (Chinese-CLIP). */

import { words } from './cleaning-steps.js';
import { FramedTokenizer, number } from './id-frame.js';
import { points } from './text-html.js';
import { codePointSet } from './text-tables.js';
import { utf8 } from './vocabulary.js';

export class WordPieceTokenizer extends FramedTokenizer {
  /** Throws `Malformed` or `BadFileError`. @param {import('../container.js').Container} container */
  constructor(container) {
    super(container);
    this.innerPrefix = utf8(points(container.text('inner_prefix'))); // of a piece that does not begin a word
    this.longestWord = number(container, 'longest_word'); // characters; a longer one is unknown
    this.breaks = codePointSet(container, 'breaks');
  }

  /** @param {string} text */
  encode(text) {
    return this.frame.ids(this.#tokens(this.steps.cleaned(text)));
  }

  /** @param {number[]} cleaned */
  *#tokens(cleaned) {
    for (const word of words(cleaned, this.breaks)) {
      yield* (word.length <= this.longestWord && this.#pieces(utf8(word))) || [this.unknownToken];
    }
  }

  /** The longest piece at each place; null if there is a place without one. @param {Uint8Array} word */
  #pieces(word) {
    const prefix = this.innerPrefix;
    const text = new Uint8Array(prefix.length + word.length); // the prefix takes the place of what is done
    text.set(word, prefix.length);
    const tokens = [];
    for (let start = prefix.length, inner = 0; start + inner < text.length; inner = prefix.length) {
      let [longest, token] = [inner, 0];
      this.vocabulary.eachAt(text, start, (found, length) => {
        if (length > inner) [longest, token] = [length, found]; // the longest comes last
      });
      if (longest === inner) return null;
      tokens.push(token);
      start += longest - prefix.length;
      text.set(prefix, start);
    }
    return tokens;
  }
}
