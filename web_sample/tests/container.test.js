// Files whole and damaged, and JSON texts right and wrong enter; what the container's reader makes of them leaves.

import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { ANY, readContainer } from '../search/container.js';
import { JsonArray, JsonNumber, JsonObject, asInteger, asNumber, parse } from '../search/json.js';
import { BadFileError, Malformed } from '../search/malformed.js';
import { container, edited, headerOf, joined, little, withHeader } from './made-container.js';
import { goldens, random } from './vectors.js';

const TEXTS = 5000;
const TYPES = /** @type {const} */ (['F64', 'I64', 'U64', 'F32', 'I32', 'U32', 'I16', 'U16', 'I8', 'U8']);
const bytes = Uint8Array.from({ length: 16 }, (_, place) => 17 * place);
const good = container({ format: 'made', __proto: 'é' }, TYPES.map((type) => (
  { name: type.toLowerCase(), type, shape: [8 * bytes.length / Number(type.slice(1))], data: bytes })));

/** @param {Uint8Array} file @param {string} says */
function refused(file, says) {
  assert.throws(() => readContainer(file, 'a.bin'), (error) => {
    assert.ok(error instanceof BadFileError, String(error));
    assert.ok(error.message.startsWith('a.bin: ') && !error.message.includes('\n'), error.message);
    assert.ok(error.message.includes(says), error.message);
    assert.deepEqual([error.kind, error.name_], ['damaged', 'a.bin']);
    return true;
  });
}

test('tensors of every type are views of the file', () => {
  const found = readContainer(good, 'a.bin');
  assert.deepEqual({ ...found.metadata }, { format: 'made', __proto: 'é' });
  for (const type of TYPES) {
    const view = found.tensor(type.toLowerCase(), type, ANY);
    assert.equal(view.buffer, good.buffer);
    assert.deepEqual(new Uint8Array(view.buffer, view.byteOffset, view.byteLength), bytes);
    assert.equal(view.length, 16 / view.BYTES_PER_ELEMENT);
  }
  assert.deepEqual([found.has('u8'), found.has('toString'), found.has('__metadata__')], [true, false, false]);
  assert.equal(new TextDecoder().decode(found.header), headerOf(good));
});

test('a file at an odd place of its buffer is read all the same', () => {
  const [moved, placed] = [joined(new Uint8Array(3), good).subarray(3), good]
    .map((file) => readContainer(file, 'a.bin').tensor('f64', 'F64', 2));
  assert.deepEqual(moved, placed);
});

test('a tensor or a text that is not there, or is another, is named', () => {
  const found = readContainer(good, 'a.bin');
  for (const read of [() => found.tensor('none', 'U8', ANY), () => found.tensor('u8', 'I8', ANY),
    () => found.tensor('u8', 'U8'), () => found.tensor('u8', 'U8', 17), () => found.tensor('u8', 'U8', ANY, 1),
    () => found.text('none'), () => found.text('toString')]) {
    assert.throws(read, (error) => error instanceof BadFileError && /'(none|u8|toString)'/.test(error.message));
  }
});

test('unknown types are passed over, but lie within the file', () => {
  for (const type of ['BF16', 'toString']) {
    const more = edited(good, '"dtype":"U8"', `"dtype":"${type}"`);
    assert.equal(readContainer(more, 'a.bin').has('u8'), false);
    refused(more.subarray(0, more.length - 1), 'does not fit');
  }
});

test('a file without metadata has none, and one without tensors is read', () => {
  assert.deepEqual({ ...readContainer(withHeader('{}', new Uint8Array()), 'a.bin').metadata }, {});
  assert.ok(readContainer(withHeader('{"a":{"dtype":"F32","shape":[0,9223372036854775807,9],"data_offsets":[0,0]}}',
    new Uint8Array()), 'a.bin').has('a'));
});

test('hostile headers are refused', () => {
  refused(new Uint8Array(), 'header');
  refused(new Uint8Array(7), 'header');
  for (const length of [0, 1, 2, 7, 12, 2 ** 20 + 1, 2 ** 20 + 8, 2n ** 63n, 2n ** 64n - 8n]) {
    refused(joined(little(length), new Uint8Array(2 ** 21)), 'header');
  }
  for (const header of ['', '[]', 'null', '{', '{}x', '{"a":1}', '{"a":{}}', '{"__metadata__":[]}',
    '{"__metadata__":null}', '{"__metadata__":{"format":1}}', '['.repeat(100_000), '{"a":'.repeat(100_000),
    '{"a":"\\ud8', '{"a":1e}', "{'a':1}", '{"a":NaN}', '{"a" 1}', '{,}', '{"a":01}', '{"toString":1}',
    '{"__proto__":1}', '{"a":{"dtype":"U8","shape":[1]}}']) {
    refused(withHeader(header, new Uint8Array(4)), '');
  }
  refused(joined(little(8), Uint8Array.of(0xff, 0xfe, 0, 0, 0, 0, 0, 0)), 'UTF-8');
  refused(withHeader('\ufeff{}', new Uint8Array()), 'no JSON');
  refused(edited(good, '"i8"', '"u8"'), 'twice');
  refused(edited(good, '"__proto"', '"format"'), 'twice');
});

test('tensors that do not fit the file are refused', () => {
  for (const [offset, says] of [['0.0', 'whole number'], ['0e0', 'whole number'], ['-1', 'below 0'],
    ['8', 'does not fit'], ['0,0', 'not two'], ['99999999999999999999', 'whole number'],
    ['9223372036854775808', 'whole number'],
    ['9223372036854775807', 'does not fit'], ['"0"', 'whole number']]) {
    refused(edited(good, '"data_offsets":[0,', `"data_offsets":[${offset},`), says);
  }
  for (const shape of ['[15]', '[17]', '[2,2]', '[4294967296,4294967296]', '[]',
    '[9223372036854775807,9223372036854775807]']) {
    refused(edited(good, '"dtype":"U8","shape":[16]', `"dtype":"U8","shape":${shape}`), 'does not fit');
  }
  refused(edited(good, '"dtype":"U8","shape":[16]', '"dtype":"U8","shape":16'), 'no JSON list');
  const odd = [
    '"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}',
    '"b":{"dtype":"U16","shape":[1],"data_offsets":[1,3]}',
  ];
  refused(withHeader(`{${odd}}`, new Uint8Array(3)), 'does not fit');
  refused(joined(good, Uint8Array.of(0)), 'belong to no tensor');
  refused(good.subarray(0, good.length - 1), 'does not fit');
});

test('every golden catalog that opens is a container', () => {
  for (const folder of ['search', 'ids', 'overlay']) {
    const names = readdirSync(`${goldens.folder}/${folder}`).filter((name) => name.endsWith('.catalog'));
    assert.ok(names.length > 0);
    for (const name of names) {
      assert.equal(readContainer(goldens.bytes(`${folder}/${name}`), name).text('version'), '1');
    }
  }
});

/** What JSON.parse makes of the same text. @param {import('../search/json.js').Json} value @returns {unknown} */
function plain(value) {
  if (value instanceof JsonNumber) return Number(value.written);
  if (value instanceof JsonArray) return Array.from(value, plain);
  return value instanceof JsonObject ? Object.fromEntries([...value].map(([key, one]) => [key, plain(one)])) : value;
}

/** The value, or undefined where the text is refused. @param {string} text @param {(text: string) => unknown} read */
function outcome(text, read) {
  try {
    return read(text);
  } catch (error) {
    assert.ok(error instanceof Malformed || error instanceof SyntaxError, String(error));
    return undefined;
  }
}

test('texts are JSON where JSON.parse says so, with the same values', () => {
  const start = '{"a": [1.50, -0, 2e-3, 1E+9], "\\u00e9\\ud83d\\n": {"b\\"": [true, false, null, "", {}]}, '
    + '"\ud83d\udc57": "\\/"}\n';
  const [below, letters] = [random(5), '{}[]:,"\\ \t\n-+.eE019truefalsn\u0000\u007fu/'];
  let whole = 0;
  for (let count = 0; count < TEXTS; count += 1) {
    const text = [...start];
    for (let change = below(4); change >= 0; change -= 1) {
      text.splice(below(text.length), below(3), ...(below(2) ? [letters[below(letters.length)]] : []));
    }
    const found = outcome(text.join(''), (one) => plain(parse(one, { once: false })));
    assert.deepEqual(found, outcome(text.join(''), JSON.parse), text.join(''));
    whole += Number(found !== undefined);
  }
  assert.ok(whole > TEXTS * 0.05 && whole < TEXTS * 0.9, `${whole}`);
});

test('numbers, lists and objects keep how they are written, and names their order', () => {
  const text = '{"2":[1.50, {"x" : 1e2}],"1":-0.10,"2":7}';
  const found = parse(text, { once: false });
  assert.ok(found instanceof JsonObject && found.written === text);
  assert.deepEqual([...found.keys()], ['2', '1']);
  const list = parse('[1.50, {"x" : 1e2}]', { once: true });
  assert.ok(list instanceof JsonArray && list[0] instanceof JsonNumber && list[1] instanceof JsonObject);
  assert.deepEqual([list.written, list[0].written, list[1].written], ['[1.50, {"x" : 1e2}]', '1.50', '{"x" : 1e2}']);
  assert.throws(() => parse(text, { once: true }), /the name '2' stands twice/);
});

test('whole and finite numbers are told from others', () => {
  /** @param {string} text */
  const integer = (text) => asInteger(parse(text, { once: true }), 'it');
  for (const text of ['1.0', '1e3', '9223372036854775808', '-9223372036854775809', '"1"', 'null', '1'.repeat(20)]) {
    assert.throws(() => integer(text), Malformed);
  }
  assert.deepEqual(['-9223372036854775808', '9223372036854775807', '-0'].map(integer), [-(2 ** 63), 2 ** 63, 0]);
  assert.throws(() => asNumber(parse('1e999', { once: true }), 'it'), Malformed);
  assert.equal(asNumber(parse('1e-2', { once: true }), 'it'), 0.01);
});

test('JSON is read 100 deep, and no deeper', () => {
  const text = `${'{"a":['.repeat(49)}1${']}'.repeat(49)}`;
  assert.ok(parse(`[${text}]`, { once: true }));
  assert.throws(() => parse(`[[${text}]]`, { once: true }), /more than 100 deep/);
});
