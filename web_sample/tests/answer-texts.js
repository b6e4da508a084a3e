/**
 * Texts and tokenizer assets enter on stdin, a line each; a line for each asset leaves on stdout.
 *
 * First line: a JSON list of texts. Then, for each asset: its bytes in base64. The answer is JSON: `refused`, why the
 * asset cannot be used; or `ids`, the texts' token ids, null for a text that the asset's tables would change for ever.
 */

import { createInterface } from 'node:readline';
import { BadFileError } from '../search/malformed.js';
import { openTokenizer } from '../search/text/tokenizers.js';

/** What the work gives, or what `refusal` makes of a `BadFileError`. @template T, R @param {() => T} work
 * @param {(error: BadFileError) => R} refusal */
function attempt(work, refusal) {
  try {
    return work();
  } catch (error) {
    if (error instanceof BadFileError) return refusal(error);
    throw error;
  }
}

/** @type {string[] | undefined} */
let texts;
for await (const line of createInterface({ input: process.stdin })) {
  if (!texts) {
    texts = /** @type {string[]} */ (JSON.parse(line));
    continue;
  }
  const [asked, asset] = [texts, new Uint8Array(Buffer.from(line, 'base64'))];
  console.log(JSON.stringify(attempt(() => {
    const tokenizer = openTokenizer(asset, 'asset');
    return { ids: asked.map((text) => attempt(() => [...tokenizer.encode(text)], () => null)) };
  }, (error) => ({ refused: error.message }))));
}
