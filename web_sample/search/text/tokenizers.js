/** A tokenizer asset's bytes enter; the tokenizer of the family that it names leaves. */

import { readContainer } from '../container.js';
import { malformed, reading, shown, wellFormed } from '../malformed.js';
import { ClipTokenizer } from './clip-tokenizer.js';
import { GemmaTokenizer } from './gemma-tokenizer.js';
import { UnigramTokenizer } from './unigram-tokenizer.js';
import { WordPieceTokenizer } from './word-piece-tokenizer.js';

/**
 * What turns a text into the ids that a text encoder takes: `contextLength` of them. `verify`: the checks that read the
 * whole vocabulary, once after an install or a download, where no digest was compared; throws `BadFileError`.
 *
 * @typedef {{readonly contextLength: number, encode(text: string): Int32Array, verify(): void}} TextTokenizer
 */

const FORMAT = 'mobileclip-tokenizer';
const CLIP = 'clip-bpe';
/** `size`: how many tokens there are.
 * @typedef {new (container: import('../container.js').Container) => TextTokenizer & {readonly size: number}} Family */
const FAMILIES = new Map(/** @type {[string, Family][]} */ ([[CLIP, ClipTokenizer], ['unigram', UnigramTokenizer],
  ['gemma-bpe', GemmaTokenizer], ['wordpiece', WordPieceTokenizer]]));

/**
 * Reads an asset, whose bytes then must not change. Throws `BadFileError` if it is damaged, of another format, version
 * or family, or has more tokens than `most`, which the text encoder knows: the manifest's `text.vocabulary`.
 *
 * @param {Uint8Array} bytes @param {string} name for errors @param {number} [most] @returns {TextTokenizer}
 */
export function openTokenizer(bytes, name, most = Infinity) {
  return reading(name, () => {
    const container = readContainer(bytes, name);
    const family = familyOf(container);
    const known = [...FAMILIES.keys()].map((one) => `'${one}'`).join(' or ');
    const Found = FAMILIES.get(family)
      ?? malformed(`unknown tokenizer family: expected ${known}, found ${shown(family)}`);
    const made = new Found(container);
    wellFormed(made.size <= most, () => `${made.size} tokens, the text encoder knows ${most}`, 'mismatched');
    return made;
  });
}

/** Version 1 names none: it is CLIP's. @param {import('../container.js').Container} container */
function familyOf(container) {
  const { format = 'none', version = 'none' } = container.metadata;
  if (format === FORMAT && version === '1') return CLIP;
  wellFormed(format === FORMAT && version === '2', () =>
    `unknown tokenizer asset: expected ${FORMAT} version 1 or 2, found ${shown(`${format} version ${version}`)}`);
  return container.text('family');
}
