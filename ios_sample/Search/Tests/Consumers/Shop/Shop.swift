import Foundation
import MobileCLIPKit
import MobileCLIPSearch

/// An app's screen, on the main actor by default, as a project of Xcode 26 is.
final class Screen {
    private var searcher: Searcher?
    private var staff: StaffProducts?
    private(set) var names: [String] = []
    private(set) var problem: ErrorKind?
    private(set) var searches = 0

    func open(_ folder: URL, encoder: any EmbeddingEncoder) async throws {
        let made = try await opened(folder, encoder: encoder) { [weak self] event in
            Task { @MainActor in self?.count(event) }
        }
        searcher = made
        staff = try await StaffProducts(folder: folder, base: made.catalog, searcher: made)
    }

    func search(_ text: String, _ photo: RGBImage?) async {
        guard let searcher else { return }
        do {
            try await searcher.prepare([.text])
            let answer = try await searcher.answer(to: SearchRequest(text: text, image: photo))
            names = try answer.hits.map { try answer.catalog.product($0.product).name }
        } catch {
            problem = ErrorKind(of: error)
        }
    }

    func add(_ product: NewProduct, _ picture: RGBImage, _ file: Data) async throws {
        guard let catalog = try await staff?.add(product, picture: picture, file: file) else { return }
        try await searcher?.use(CatalogSearch(catalog))
    }

    func label(_ photo: RGBImage, _ manifest: ModelManifest) async throws -> [LabelScore] {
        try await searcher?.labels(photo, names: ["shoe", "bag"], manifest: manifest, language: "en") ?? []
    }

    private func count(_ event: SearchEvent) { searches += event.hits }
}

/// Off the main actor.
@concurrent func opened(
    _ folder: URL, encoder: any EmbeddingEncoder, onSearched: @escaping @Sendable (SearchEvent) -> Void
) async throws -> Searcher {
    let manifest = try ModelManifest.load(folder.appendingPathComponent("manifest.json"))
    let catalog = try ProductCatalog.open(
        folder.appendingPathComponent("shop.catalog"), space: manifest.space, digest: manifest.catalog?.digest)
    let tokenizer = try Tokenizers.load(
        folder.appendingPathComponent(manifest.tokenizer.path), sha256: manifest.tokenizer.sha256,
        vocabulary: manifest.text.vocabulary)
    return try Searcher(
        encoder: encoder, tokenizer: tokenizer, preprocessor: manifest.preprocessor, search: CatalogSearch(catalog),
        onSearched: onSearched)
}
