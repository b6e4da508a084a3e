// Picture files and the pixels that Python decodes of them enter; whether the page's pixels are the same leaves. PICTURES names
// a folder with index.json: `pictures`, each with `file`, and `rgb`, a file of RGB8 [height, width, 3], alpha over white.

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { env, launch, serve, visit } from './site.js';

test('every picture gives Python\'s bytes', async (context) => {
  const folder = env('PICTURES');
  const { pictures } = JSON.parse(await readFile(`${folder}/index.json`, 'utf8'));
  const browser = await launch();
  const site = await serve(env('SITE'));
  const { page } = await visit(browser, site.url, { serviceWorkers: 'block' });
  const different = [];
  for (const { file, rgb, width, height } of pictures) {
    const found = await page.evaluate(decoded, (await readFile(`${folder}/${file}`)).toString('base64'));
    const wanted = createHash('sha256').update(await readFile(`${folder}/${rgb}`)).digest('hex');
    const isSame = found.width === width && found.height === height && found.sha256 === wanted;
    if (!isSame) different.push(`${file}: ${found.width} x ${found.height}, expected ${width} x ${height} with Python's bytes`);
  }
  await browser.close();
  site.close();
  context.diagnostic(`${pictures.length} pictures, ${different.length} of other bytes`);
  assert.ok(pictures.length > 0);
  assert.deepEqual(different, []);
});

/** Runs in the page: the digest of a picture's RGB8, alpha over white. @param {string} base64 */
async function decoded(base64) {
  /** @type {typeof import('../../shop/picture-reader.js')} */
  const { readPixels } = await import(new URL('../shop/picture-reader.js', location.href).href);
  const blob = new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]);
  const { pixels, width, height } = await readPixels(blob);
  const rgb = new Uint8Array(3 * width * height);
  for (let from = 0, to = 0; from < pixels.length; from += 4) {
    const alpha = pixels[from + 3];
    for (let channel = 0; channel < 3; channel++) {
      rgb[to++] = Math.floor((pixels[from + channel] * alpha + 255 * (255 - alpha)) / 255 + 0.5);
    }
  }
  const digest = new Uint8Array(await crypto.subtle.digest('SHA-256', rgb));
  return { sha256: Array.from(digest, (byte) => byte.toString(16).padStart(2, '0')).join(''), width, height };
}
