import Foundation
import MobileCLIPSearch

/// An encoder whose memory can be given back; its next use takes it again.
protocol ReleasableEncoder: EmbeddingEncoder {
    func release() async
}

/// What `make apps` put into the app, opened: the manifest, the catalog, and the searcher over it.
struct Shop: Sendable {
    let manifest: ModelManifest
    let catalog: ProductCatalog
    let searcher: Searcher
    let encoder: any ReleasableEncoder

    /// Opens all but the encoders, which are loaded on first use. Takes some tenths of a second: not for the main thread.
    ///
    /// The catalog's digest is not checked: its bytes are in the app, whose signature iOS checks. An app that downloads
    /// its catalog calls `verify()` once after each download.
    ///
    /// Throws ``SearchError`` where a file is missing, damaged, or not the one that the manifest means.
    static func open(_ folder: URL, encoder: (ModelManifest) -> any ReleasableEncoder) throws -> Shop {
        let manifest = try ModelManifest.load(folder.appendingPathComponent("manifest.json"))
        let catalog = try ProductCatalog.open(
            folder.appendingPathComponent("shop.catalog"), space: manifest.space, digest: manifest.catalog?.digest)
        let tokenizer = try Tokenizers.load(
            folder.appendingPathComponent(manifest.tokenizer.path), sha256: manifest.tokenizer.sha256)
        let encoder = encoder(manifest)
        let searcher = try Searcher(
            encoder: encoder, tokenizer: tokenizer, preprocessor: manifest.preprocessor, search: CatalogSearch(catalog))
        return Shop(manifest: manifest, catalog: catalog, searcher: searcher, encoder: encoder)
    }

    /// The products that pass the filter, best first, the doubtful ones apart; perhaps none.
    func find(_ question: Question, locale: Locale) async throws -> (certain: [Card], doubtful: [Card]) {
        let hits = try await searcher.search(question.request())
        func cards(_ hits: [SearchHit]) throws -> [Card] {
            try hits.map { try Card($0.product, in: catalog, locale: locale, match: match(question, $0)) }
        }
        let certain = try cards(hits.filter { !isDoubtful(question, $0) })
        return (certain, try cards(hits.filter { isDoubtful(question, $0) }))
    }

    /// None for "more like this": how sure it is that a product is the one asked for says nothing about its neighbours. None
    /// where the catalog's builder could not measure how sure.
    private func match(_ question: Question, _ hit: SearchHit) -> Card.Match? {
        guard question.like == nil, let stars = hit.stars, let percent = hit.percent else { return nil }
        return Card.Match(stars: stars, percent: percent)
    }

    private func isDoubtful(_ question: Question, _ hit: SearchHit) -> Bool {
        question.like == nil && hit.confidence ?? 1 < doubtful
    }
}

/// Half a star: less is drawn as none.
private let doubtful = 0.1
