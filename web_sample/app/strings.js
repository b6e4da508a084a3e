/** A text's name enters; the text leaves in the shopper's language. A new language is one more tag and one more column. */

const TAGS = ['en', 'zh-Hant'];
const TEXTS = {
  app_name: ['Shop search', '商店搜尋'],
  hint: ['Search the shop', '搜尋商品'],
  search: ['Search', '搜尋'],
  clear: ['Clear the question', '清除搜尋條件'],
  camera: ['Take a picture to search with', '拍照搜尋'],
  gallery: ['Choose a picture to search with', '選擇圖片搜尋'],
  drop: ['Or drop or paste a picture here', '也可以將圖片拖放或貼到這裡'],
  picture: ['The picture that you search with', '用來搜尋的圖片'],
  remove: ['Remove the picture', '移除圖片'],
  slider: ['Balance between words and picture', '文字與圖片的比重'],
  words: ['Words', '文字'],
  picture_side: ['Picture', '圖片'],
  slider_state: ['{0} % picture', '圖片占 {0}%'],
  category: ['Category', '類別'],
  all_categories: ['All categories', '所有類別'],
  no_category: ['Other', '其他'],
  lowest: ['Price from', '最低價格'],
  highest: ['Price to', '最高價格'],
  idle: ['Search by words or by picture', '用文字或圖片搜尋'],
  idle_detail: ['Describe what you would like, show a picture of it, or both. Nothing leaves your device.',
    '描述您想要的商品、提供一張圖片，或兩者並用。所有資料都留在您的裝置上。'],
  preparing: ['Preparing the search…', '正在準備搜尋…'],
  preparing_detail: ['This takes a moment, the first time only.', '只有第一次需要稍候。'],
  progress: ['{0} of {1} MB', '{0} MB，共 {1} MB'],
  searching: ['Searching…', '搜尋中…'],
  doubtful: ['Less certain', '較不確定的結果'],
  nothing: ['No match', '找不到符合的商品'],
  nothing_detail: ['Try other words, another picture, or all categories.', '請換個說法、換張圖片，或選擇所有類別。'],
  clear_filters: ['Clear the filters', '清除篩選條件'],
  failed: ['That did not work', '無法完成搜尋'],
  retry: ['Try again', '再試一次'],
  unknown_script: ['The search was not taught words in this writing: {0}. Results may be wrong; English words or a picture '
    + 'work better.',
    '這個搜尋模型沒有學過以下文字：{0}。結果可能不準確；請改用英文或圖片搜尋。'],
  another_script: ['another writing', '其他文字'],
  match: ['{0} % match', '符合度 {0}%'],
  stars: ['{0} of 5 stars', '{0} 顆星，滿分 5 顆'],
  one_product: ['{0} product', '{0} 項商品'],
  products: ['{0} products', '{0} 項商品'],
  details: ['Product', '商品'],
  close: ['Close', '關閉'],
  loading: ['Loading…', '載入中…'],
  more: ['More like this', '更多類似商品'],
  more_like: ['Like {0}', '與「{0}」類似'],
  buy: ['Buy', '購買'],
  gone: ['The shop no longer has this product.', '商店已不再提供此商品。'],
  error_network: ['Files of the shop cannot be loaded. Please check the connection and try again.',
    '無法載入商店的檔案。請檢查網路連線後再試一次。'],
  error_files: ['Files of this page are missing or damaged. Please try again later.', '此網頁的檔案遺失或損毀，請稍後再試。'],
  error_picture: ['This picture cannot be read. Please try another one.', '無法讀取這張圖片，請換一張。'],
  error_memory: ['There is too little memory. Please close other tabs and try again.', '記憶體不足。請關閉其他分頁後再試一次。'],
  error_other: ['Something went wrong. Please try again.', '發生問題，請再試一次。'],
};
// Unicode's names of the writing systems that most people write, and their ISO 15924 codes.
/** @type {Record<string, string>} */
const SCRIPTS = {
  Latin: 'Latn', Han: 'Hani', Hiragana: 'Hira', Katakana: 'Kana', Hangul: 'Hang', Bopomofo: 'Bopo', Cyrillic: 'Cyrl',
  Greek: 'Grek', Arabic: 'Arab', Hebrew: 'Hebr', Devanagari: 'Deva', Bengali: 'Beng', Tamil: 'Taml', Telugu: 'Telu',
  Thai: 'Thai', Lao: 'Laoo', Khmer: 'Khmr', Myanmar: 'Mymr', Georgian: 'Geor', Armenian: 'Armn', Ethiopic: 'Ethi',
  Gujarati: 'Gujr', Gurmukhi: 'Guru', Kannada: 'Knda', Malayalam: 'Mlym', Sinhala: 'Sinh', Tibetan: 'Tibt',
  Mongolian: 'Mong',
};
const RIGHT_TO_LEFT = /^(Arab|Hebr|Thaa|Syrc|Nkoo|Adlm)$/;

/** @typedef {keyof typeof TEXTS} Words */

/** For prices: the shopper's own language and country. */
export const locale = navigator.language;
const spoken = navigator.languages.map((tag) => new Intl.Locale(tag).maximize());
const column = Math.max(0, spoken.map(columnOf).find((place) => place >= 0) ?? 0);
/** Of the texts, and of numbers in them. */
export const language = TAGS[column];

/** Where a language's texts stand; -1: nowhere. @param {Intl.Locale} wanted */
function columnOf(wanted) {
  return TAGS.map((tag) => new Intl.Locale(tag).maximize())
    .findIndex(({ language, script }) => language === wanted.language && script === wanted.script);
}

/**
 * The text, `{0}` and so on filled in.
 *
 * @param {Words} name
 * @param {...(string | number)} values
 */
export function words(name, ...values) {
  return TEXTS[name][column].replace(/\{(\d)\}/g, (_, place) => String(values[place]));
}

/** Puts the texts into the page: `data-words` as text, `data-label` for screen readers, `data-hint` into fields. */
export function fillIn() {
  document.documentElement.lang = language;
  document.documentElement.dir = RIGHT_TO_LEFT.test(spoken[0]?.script ?? '') ? 'rtl' : 'ltr';
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

/** A writing system (Unicode's name) in the shopper's language. @param {string} script */
export function scriptName(script) {
  const code = SCRIPTS[script];
  return (code && new Intl.DisplayNames(language, { type: 'script' }).of(code)) ?? words('another_script');
}
