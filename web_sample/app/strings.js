/** A text's name enters; the text leaves in the shopper's language. A new language is one more tag and its file in `texts/`. */

const TAGS = ['en', 'zh-Hans', 'zh-Hant', 'ja', 'ko', 'de', 'fr', 'es', 'ar'];
const RIGHT_TO_LEFT = ['Arab', 'Hebr'];
// Unicode's names of the writing systems that most people write, and their ISO 15924 codes.
/** @type {Record<string, string>} */
const SCRIPTS = {
  Latin: 'Latn', Han: 'Hani', Hiragana: 'Hira', Katakana: 'Kana', Hangul: 'Hang', Bopomofo: 'Bopo', Cyrillic: 'Cyrl',
  Greek: 'Grek', Arabic: 'Arab', Hebrew: 'Hebr', Devanagari: 'Deva', Bengali: 'Beng', Tamil: 'Taml', Telugu: 'Telu',
  Thai: 'Thai', Lao: 'Laoo', Khmer: 'Khmr', Myanmar: 'Mymr', Georgian: 'Geor', Armenian: 'Armn', Ethiopic: 'Ethi',
  Gujarati: 'Gujr', Gurmukhi: 'Guru', Kannada: 'Knda', Malayalam: 'Mlym', Sinhala: 'Sinh', Tibetan: 'Tibt',
  Mongolian: 'Mong',
};

/** @typedef {Omit<typeof import('./texts/en.json'), 'products'>} Texts */
/** @typedef {keyof Texts} Words */

const spoken = navigator.languages.filter(isTag);
/** For prices: the shopper's own language and country. */
export const locale = spoken[0] ?? 'en';
const numbers = spoken.find(fileOf) ?? 'en';
const language = fileOf(numbers) ?? 'en';
/** @type {Texts & {products: Record<string, string>}} */
const texts = await (await fetch(new URL(`texts/${language}.json`, import.meta.url))).json();
const plurals = new Intl.PluralRules(numbers);

/** Whether a language is one; WebKit takes `C` from a machine without languages. @param {string} tag */
function isTag(tag) {
  try {
    return Boolean(new Intl.Locale(tag));
  } catch {
    return false;
  }
}

/** Which of the languages a shopper's tag is: one with the same script. @param {string} tag */
function fileOf(tag) {
  const wanted = new Intl.Locale(tag).maximize();
  return TAGS.find((one) => {
    const { language, script } = new Intl.Locale(one).maximize();
    return language === wanted.language && script === wanted.script;
  });
}

/**
 * The text, `{0}` and so on filled in.
 *
 * @param {Words} name
 * @param {...string} values
 */
export function words(name, ...values) {
  return filled(texts[name], values);
}

/** So many products. @param {number} count */
export function products(count) {
  return filled(texts.products[plurals.select(count)], [number(count)]);
}

/** A number as the shopper's country writes it. @param {number} value @param {Intl.NumberFormatOptions} [options] */
export function number(value, options) {
  return new Intl.NumberFormat(numbers, options).format(value);
}

/** @param {number} value 0 to 100 */
export function percent(value) {
  return number(value / 100, { style: 'percent' });
}

/**
 * @param {string} text
 * @param {string[]} values
 */
function filled(text, values) {
  return text.replace(/\{(\d)\}/g, (_, place) => values[place]);
}

/** Puts the texts into the page: `data-words` as text, `data-label` for screen readers and into fields. */
export function fillIn() {
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.includes(new Intl.Locale(language).maximize().script ?? '') ? 'rtl' : 'ltr';
  document.title = words('app_name');
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-words]'))) {
    element.textContent = words(/** @type {Words} */ (element.dataset.words));
  }
  for (const element of /** @type {NodeListOf<HTMLElement>} */ (document.querySelectorAll('[data-label]'))) {
    const text = words(/** @type {Words} */ (element.dataset.label));
    element.setAttribute('aria-label', text);
    element.setAttribute(element instanceof HTMLInputElement ? 'placeholder' : 'title', text);
  }
}

/** Writing systems (Unicode's names) in the shopper's language, as a list of words. @param {string[]} scripts */
export function scriptNames(scripts) {
  const shown = new Intl.DisplayNames(language, { type: 'script' });
  const names = scripts.map((script) => SCRIPTS[script] ? shown.of(SCRIPTS[script]) ?? script : words('another_script'));
  return new Intl.ListFormat(language).format(names);
}
