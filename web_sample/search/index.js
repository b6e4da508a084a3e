/** The public API: a model's files and a shop's catalog enter, a search leaves. FORMATS.md says what the files hold. */

export { CatalogMemory } from './catalog/catalog-memory.js';
export { CatalogSearch } from './catalog/catalog-search.js';
export { ProductCatalog, openCatalog } from './catalog/catalog.js';
export { BadFileError } from './malformed.js';
export { ModelManifest, readManifest } from './manifest.js';
export { ImagePreprocessor } from './pictures/image-preprocessor.js';
export { unknownScripts } from './scripts.js';
export { Searcher } from './searcher.js';
export { openTokenizer } from './text/tokenizers.js';
