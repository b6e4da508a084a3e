package shop.mobileclip.search;

import java.io.File;
import java.math.BigDecimal;
import java.util.List;
import java.util.concurrent.Executor;

/** What an app in Java writes: no companions, no Kotlin functions, no eight arguments. Compiled; JavaCallerTest runs it. */
final class JavaCaller {
    private JavaCaller() {
    }

    /** Opens a shop and searches it; the names of what is found. */
    static List<String> names(File manifestFile, File catalogFile, EmbeddingEncoder encoder, Executor executor)
            throws BadFileException {
        ModelManifest manifest = ModelManifest.load(manifestFile);
        ProductCatalog catalog = ProductCatalog.open(catalogFile);
        TextTokenizer tokenizer = Tokenizers.load(new File(manifestFile.getParent(), manifest.getTokenizer().getPath()));
        Searcher searcher = new Searcher(
                () -> encoder, tokenizer, manifest.preprocessor(), new CatalogSearch(catalog), executor);
        List<String> names = new java.util.ArrayList<>();
        searcher.prepare();
        RunningSearch running = searcher.search(new SearchRequest("red shoes"), outcome -> {
            if (outcome instanceof SearchOutcome.Found) {
                for (SearchHit hit : ((SearchOutcome.Found) outcome).getHits()) {
                    names.add(catalog.product(hit.getProduct()).getName());
                }
            }
        });
        running.cancel();
        return names;
    }

    /** The rest that Java code calls. */
    static ProductCatalog added(ProductCatalog base, float[] vector) {
        NewProduct product = new NewProduct("j1", "A hat", new BigDecimal("3.20"), null, "", "Hats",
                java.util.Collections.emptyMap(), java.util.Collections.singletonList(vector));
        ProductCatalog catalog = base.adding(CatalogOverlay.empty(base).putting(product));
        new CatalogSearch(catalog).search(new SearchQuery.Image(vector), 3, CatalogFilter.ANY);
        return catalog;
    }

    /** An encoder in Java: what it does not have, it leaves out. */
    static EmbeddingEncoder encoder(String space, float[] embedding) {
        return new EmbeddingEncoder() {
            @Override
            public String getSpace() {
                return space;
            }

            @Override
            public int getDim() {
                return embedding.length;
            }

            @Override
            public float[] text(int[] ids) {
                return embedding;
            }

            @Override
            public float[] image(byte[] square) {
                return embedding;
            }

            @Override
            public void close() {
            }
        };
    }
}
