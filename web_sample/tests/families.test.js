/** Assets of version 2 and texts, golden and those that Python made anew, enter; whether each id is right leaves. */

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readContainer } from '../search/container.js';
import { BadFileError } from '../search/malformed.js';
import { openTokenizer } from '../search/text/tokenizers.js';
import { edited } from './made-container.js';
import { expected, goldens } from './vectors.js';

const NAMES = ['unigram', 'unigram-cased', 'gemma-bpe', 'wordpiece'];
const WHOLE = ['unigram', 'gemma-bpe', 'wordpiece'];
/** @param {string} name */
const golden = (name) => goldens.bytes(`tokenizers/${name}.safetensors`);
/** @param {string} family */
const small = (family) => goldens.bytes(`tokenizers/damaged/${family}-whole.safetensors`);

for (const vectors of expected ? [goldens, expected] : [goldens]) {
  for (const name of NAMES) {
    test(`${vectors === goldens ? 'golden' : 'new'} texts of ${name} have the reference's ids`, (context) => {
      const { asset, texts, context_length: length, pad_token: pad } = vectors.json(`tokens-${name}.json`);
      const own = openTokenizer(vectors.bytes(asset), asset);
      own.verify();
      assert.equal(own.contextLength, length);
      assert.ok(texts.length > 0);
      const differing = texts.filter((/** @type {{text: string, ids: number[]}} */ { text, ids }) =>
        own.encode(text).some((id, place) => id !== (ids[place] ?? pad)));
      context.diagnostic(`${texts.length} texts (${name}), differing ids: ${differing.length}`);
      assert.deepEqual(differing, []);
    });
  }
}

test('a damaged asset is refused on opening or by the full check, and the part is named', () => {
  const rows = goldens.json('tokenizers/index.json').damaged;
  assert.ok(rows.length > 50);
  for (const { file, opens, part } of rows) {
    const check = () => openTokenizer(goldens.bytes(`tokenizers/${file}`), 'a.bin').verify();
    if (opens) check();
    else assert.throws(check, (error) => refusal(error, part), file);
  }
});

/** @param {unknown} error @param {string} part */
function refusal(error, part) {
  return error instanceof BadFileError && error.kind === 'damaged' && /^a\.bin: [^\n]*$/.test(error.message)
    && error.message.includes(part);
}

test('what is there is read, and no more', () => {
  for (const family of WHOLE) {
    const file = small(family);
    for (const [before, after, part] of [['"unknown_token":"2"', '"unknown_token":"-2"', 'unknown_token'],
      ['"unknown_token":"2"', '"other":"2"', 'unknown_token'], ['"end_token":"1"', '"end_token":"1.0"', 'end_token'],
      ['"context_length":"8"', '"context_length":"999999999"', 'context_length'],
      ['"start_token":""', '"start_token":"1","context":"3"', ''], ['"steps":"', '"steps":"spaces  ', 'steps'],
      ['"steps":"', '"steps":"toString ', 'toString'], ['"steps":"', '"steps":"isolate ', 'isolated'],
      ['"steps":"', '"steps":"fix ', 'removed'], ['"steps":"', '"step":"', 'steps']]) {
      const check = () => openTokenizer(edited(file, before, after), 'a.bin').verify();
      if (part) assert.throws(check, (error) => refusal(error, part), after);
      else check();
    }
  }
  for (const score of ['', ' 1', '0x10', '1e999', 'NaN', '1_0']) {
    const file = edited(small('unigram'), '"unknown_score":"-12.5"', `"unknown_score":"${score}"`);
    assert.throws(() => openTokenizer(file, 'a.bin'), (error) => refusal(error, 'unknown_score'));
  }
  const exact = edited(small('unigram'), '"unknown_score":"-12.5"', '"unknown_score":"-1.25e1"');
  assert.deepEqual(openTokenizer(exact, 'a').encode('a x'), openTokenizer(small('unigram'), 'a').encode('a x'));
});

test('an asset with more tokens than the encoder knows is refused', () => {
  for (const family of WHOLE) {
    const file = small(family);
    const count = readContainer(file, 'a').tensor('piece_offsets', 'U32', -1).length - 1;
    openTokenizer(file, 'a.bin', count);
    assert.throws(() => openTokenizer(file, 'a.bin', count - 1), { name: 'BadFileError', kind: 'mismatched',
      message: `a.bin: ${count} tokens, the text encoder knows ${count - 1}` });
  }
});

test('a start token stands first, and the end token is never cut', () => {
  for (const family of WHOLE) {
    const plain = openTokenizer(small(family), 'a');
    const started = openTokenizer(edited(small(family), '"start_token":""', '"start_token":"2"'), 'a');
    const [short, long] = ['a', 'a '.repeat(40)];
    assert.deepEqual([...started.encode(short)], [2, ...plain.encode(short)].slice(0, 8));
    for (const made of [plain, started]) assert.equal(made.encode(long).indexOf(1), made.contextLength - 1);
  }
  assert.throws(() => openTokenizer(edited(edited(small('unigram'), '"start_token":""', '"start_token":"2"'),
    '"context_length":"8"', '"context_length":"2"'), 'a.bin'), (error) => refusal(error, 'context_length'));
});

test('of pieces with equal sums, those found first are taken', () => {
  const file = small('unigram'); // of the pieces _ a b _a ab, tokens 3 to 7
  readContainer(file, 'a').tensor('scores', 'F32', -1).fill(0);
  assert.deepEqual([...openTokenizer(file, 'a').encode('ab')], [3, 7, 1, 0, 0, 0, 0, 0]);
});

test('the token of a byte joins no neighbour, though both are a piece together', () => {
  const file = small('gemma-bpe'); // of the pieces ##b a ab b, tokens 8 4 7 5; the byte of a is token 107
  const order = readContainer(file, 'a').tensor('piece_order', 'U32', -1);
  assert.deepEqual([...openTokenizer(file, 'a').encode('ab')].slice(0, 2), [7, 1]);
  order[order.indexOf(4)] = 8;
  assert.deepEqual([...openTokenizer(file, 'a').encode('ab')].slice(0, 3), [107, 5, 1]);
});

test('a lone surrogate is the replacement character', () => {
  for (const name of NAMES) {
    const made = openTokenizer(golden(name), name);
    assert.deepEqual(made.encode('a\ud83d \udc57b'), made.encode('a\ufffd \ufffdb'));
  }
});

test('texts of 100,000 characters are done', { timeout: 120_000 }, () => {
  for (const name of NAMES) {
    const [made, end] = [openTokenizer(golden(name), name), goldens.json(`tokens-${name}.json`).texts[0].ids.at(-1)];
    for (const piece of ['x', 'ab', '\u0301\u0323', 'dress ', '&amp', '\u00b2\u0301', '\u2581', '\u4e00', '_',
      '\u0e01']) {
      assert.ok(made.encode(piece.repeat(100_000 / piece.length)).includes(end), `${name} ${piece}`);
    }
  }
});

test('whatever a vocabulary holds that was not verified, a text is done', { timeout: 120_000 }, () => {
  for (const family of WHOLE) {
    for (const [name, values] of /** @type {[string, number[]][]} */ ([['piece_order', [0xffffffff, 9, 9, 0, 8, 300]],
      ['piece_offsets', [0, 0xffffffff, 3, 0xfffffffe, 1]], ['pieces', [255, 128, 0, 97]]])) {
      const file = small(family);
      const tensor = readContainer(file, 'a').tensor(name, name === 'pieces' ? 'U8' : 'U32', -1);
      tensor.set(values.slice(0, tensor.length));
      const made = openTokenizer(file, 'a.bin');
      assert.throws(() => made.verify(), (error) => refusal(error, 'piece'));
      for (const text of ['ab\u00e9 \u2581a', 'b '.repeat(2000), '\u{1f457}']) {
        assert.equal(made.encode(text).length, made.contextLength);
      }
    }
  }
  const file = small('unigram');
  readContainer(file, 'a').tensor('scores', 'F32', -1).fill(NaN);
  assert.equal(openTokenizer(file, 'a').encode('ab a').length, 8);
});
