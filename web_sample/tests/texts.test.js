/** Queries' texts, labels and recent values enter; whether they are judged as elsewhere leaves. */

import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { labelScores, labelVector } from '../search/labels.js';
import { Recent } from '../search/recent.js';
import { unknownScripts } from '../search/scripts.js';
import { vector } from './golden-answers.js';
import { expected, goldens } from './vectors.js';

test('scripts that the model does not know are named once in their order', () => {
  const examples = [['red bag', ''], ['Gr\u00fcne Schuhe, \ufb01ne', ''], ['\uff37\uff29\uff24\uff25', ''], ['', ''],
    ['42 \u2013 3,5 \u20ac \u{1f97e} \u2705 \u00bd', ''], ['\u0664\u0662', ''], ['\u7ea2\u8272\u7684\u5305', 'Han'],
    ['red \u5305 bag', 'Han'], ['\u043a\u0440\u0430\u0441\u043d\u0430\u044f \u5305', 'Cyrillic Han'],
    ['\u9774\u3092\u8cb7\u3046', 'Han Hiragana'], ['\u30b3\u30fc\u30d2\u30fc', 'Katakana'], ['\uac00\ubc29', 'Hangul'],
    ['\u03c4\u03c3\u03ac\u03bd\u03c4\u03b1', 'Greek'], ['\u062d\u0642\u064a\u0628\u0629', 'Arabic'],
    ['\u0e01\u0e23', 'Thai'],
    ['\u{20bb7}', 'Han'], ['\u3105', 'Bopomofo'], ['5 \u00b5m', ''], ['O\u02bcNeill', ''],
    ['e\u0301 \u0438\u0306', 'Cyrillic'], ['\ud800x', '']];
  for (const [text, names] of examples) {
    const scripts = names.split(' ').filter(Boolean);
    assert.deepEqual(unknownScripts(text, ['Latin']), scripts, text);
    assert.deepEqual(unknownScripts(text, ['Latin', ...scripts]), [], text);
  }
  assert.deepEqual(unknownScripts('\u13e3\u13b3\u13a9 \u07d2\u07de\u07cf red', ['Latin']), ['another script']);
  assert.deepEqual(unknownScripts('red \u5305 bag', []), ['Latin', 'Han']);
});

if (expected) {
  /** @type {{text: string, scripts: string[]}[]} */
  const texts = expected.json('scripts.json').texts;
  test('scripts are those of the desktop', (context) => {
    const known = texts.filter(({ text }) => !/\p{Unassigned}/u.test(text)); // an engine may know an older Unicode
    for (const { text, scripts } of known) assert.deepEqual(unknownScripts(text, ['Latin']), scripts, text);
    context.diagnostic(`${known.length} texts of ${texts.length} with the desktop's scripts`);
    assert.ok(known.length > texts.length / 2);
  });
}

test('products are counted in every category of the language, and in no other', async () => {
  const texts = new URL('../app/texts/', import.meta.url);
  const files = await readdir(texts);
  assert.ok(files.length > 1);
  for (const file of files) {
    const { products } = JSON.parse(await readFile(new URL(file, texts), 'utf8'));
    const { pluralCategories } = new Intl.PluralRules(file.replace('.json', '')).resolvedOptions();
    assert.deepEqual(Object.keys(products).sort(), pluralCategories.sort(), file);
  }
});

for (const [file, shares] of /** @type {const} */ ([['labels.json', 'softmax'], ['labels-sigmoid.json', 'sigmoid']])) {
  test(`golden labels have Python's probabilities by a ${shares}`, () => {
    const { cases } = goldens.json(file);
    assert.ok(cases.length > 0);
    for (const one of cases) assertGolden(one, shares);
  });
}

/** @param {any} one of the golden cases @param {'softmax' | 'sigmoid'} shares */
function assertGolden({ labels, image, logit_scale: scale, logit_bias: bias, probabilities }, shares) {
  /** @type {{name: string, vectors: string[]}[]} */
  const given = labels;
  const vectors = given.map((label) => labelVector(label.vectors.map(vector)));
  const found = labelScores(given.map(({ name }) => name), vectors, vector(image), scale,
    { labels: shares, logitBias: bias });
  assert.equal(found.length, probabilities.length);
  for (const [place, { name, probability }] of probabilities.entries()) {
    assert.equal(found[place].name, name);
    assert.ok(Math.abs(found[place].probability - probability) <= 1e-9);
  }
}

test('a label\'s vector is the mean of unit vectors, made unit length', () => {
  const found = labelVector([Float32Array.of(2, 0), Float32Array.of(0, 5)]);
  for (const value of found) assert.ok(Math.abs(value - Math.sqrt(0.5)) < 1e-15);
  assert.deepEqual(labelVector([new Float32Array(2)]), new Float64Array(2));
});

test('probabilities are a softmax of scaled cosines, best first, equals in the order given', () => {
  const vectors = [[0, 1], [1, 0], [0.6, 0.8], [0, 1]].map((one) => Float64Array.from(one));
  const found = labelScores(['a', 'b', 'c', 'd'], vectors, Float32Array.of(4, 0), 2);
  assert.deepEqual(found.map(({ name }) => name), ['b', 'c', 'a', 'd']);
  const sum = 2 + Math.exp(2) + Math.exp(1.2);
  for (const [place, power] of [Math.exp(2), Math.exp(1.2), 1, 1].entries()) {
    assert.ok(Math.abs(found[place].probability - power / sum) < 1e-15);
  }
  assert.deepEqual(labelScores([], [], Float32Array.of(1), 100), []);
});

test('the values used last are kept', () => {
  /** @type {Recent<string, number>} */
  const recent = new Recent(2);
  recent.set('a', 1);
  recent.set('b', 2);
  assert.equal(recent.get('a'), 1);
  assert.equal(recent.set('c', 3), 3);
  assert.deepEqual(['a', 'b', 'c'].map((key) => recent.get(key)), [1, undefined, 3]);
  /** @type {Recent<string, number>} */
  const none = new Recent(0);
  none.set('a', 1);
  assert.equal(none.get('a'), undefined);
});
