/** Tokens of a text enter; the row of ids that an encoder takes leaves: start, tokens, end, padding on the right. */

import { malformed, reading, shown, wellFormed } from '../malformed.js';
import { CleaningSteps } from './cleaning-steps.js';
import { points } from './text-html.js';
import { Vocabulary } from './vocabulary.js';

/** @typedef {import('../container.js').Container} Container */

const LONGEST = 65_536; // ids of a row; no encoder takes as many
const MOST = 1e9; // numbers have 9 digits at most

/** The special tokens and the length of a row. */
export class IdFrame {
  /**
   * Throws `Malformed` for a token that is none of so many, and for a row of less than `room` tokens of a text.
   *
   * @param {Container} container @param {number} tokens @param {number} room
   */
  constructor(container, tokens, room) {
    this.start = container.text('start_token') === '' ? null : number(container, 'start_token', tokens);
    this.end = number(container, 'end_token', tokens);
    this.pad = number(container, 'pad_token', tokens);
    /** How many ids a row has. */
    this.contextLength = number(container, 'context_length', LONGEST);
    const least = room + (this.start === null ? 1 : 2);
    wellFormed(this.contextLength >= least, () => `context_length is ${this.contextLength}, expected ${least} or more`);
  }

  /** Takes no more tokens than there is room for: what gives them need not work for others.
   * @param {Iterable<number>} tokens */
  ids(tokens) {
    const ids = new Int32Array(this.contextLength).fill(this.pad);
    const last = this.contextLength - 1;
    let end = 0;
    if (this.start !== null) ids[end++] = this.start;
    for (const token of tokens) {
      if (end < last) ids[end++] = token;
      if (end === last) break;
    }
    ids[end] = this.end;
    return ids;
  }
}

/** What the families of version 2 share; each finds the tokens of a cleaned text in its own way. */
export class FramedTokenizer {
  /** Throws `Malformed` or `BadFileError`. @param {Container} container */
  constructor(container) {
    this.name = container.name;
    this.vocabulary = new Vocabulary(container);
    this.size = this.vocabulary.size;
    this.unknownToken = number(container, 'unknown_token', this.size);
    this.frame = new IdFrame(container, this.size, 1);
    this.contextLength = this.frame.contextLength;
    this.steps = new CleaningSteps(container);
  }

  verify() {
    reading(this.name, () => this.vocabulary.verify());
  }
}

/** A whole number of the metadata, in decimal digits. Throws `Malformed` unless it is below `end`.
 * @param {Container} container @param {string} key @param {number} [end] */
export function number(container, key, end = MOST) {
  const written = container.text(key);
  return /^[0-9]{1,9}$/.test(written) && Number(written) < end ? Number(written)
    : malformed(`${key} is ${shown(written)}, expected a number below ${end}`);
}

/** The one character that stands for a space. @param {Container} container */
export function spaceMark(container) {
  const written = container.text('space_mark');
  const [mark, ...more] = points(written);
  wellFormed(mark !== undefined && more.length === 0, () => `space_mark is ${shown(written)}, expected one character`);
  return mark;
}
