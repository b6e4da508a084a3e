import Foundation
import MobileCLIPSearch

/// A shop's files, opened, the products that staff added, and the pictures that are searched with. What takes time happens
/// here, off the main thread, however the app isolates its own code.
public actor Shop {
    /// From a picture's file to what the encoder sees of a region (nil: the whole): `RGBImage(decoding:for:region:)`.
    public typealias Decoder = @Sendable (_ file: Data, ImagePreprocessor, PictureRegion?) throws -> RGBImage

    public nonisolated let manifest: ModelManifest
    public nonisolated let tokenizer: any TextTokenizer
    public nonisolated let searcher: Searcher
    public private(set) var catalog: ProductCatalog
    /// The folder of the encoders, where they came with an update; nil: the app's own.
    public nonisolated let encoders: URL?
    /// What ``update()`` asks; nil where the app has none.
    public nonisolated let updates: CatalogUpdates?
    private var changes = 0  // of what is searched
    private let app: App
    private var staff: StaffProducts?
    private var decoded: (of: ShopPicture, image: RGBImage)?

    /// What the app gave, for a shop that takes this one's place.
    private struct App: Sendable {
        let folder: URL
        let own: URL
        let pictures: URL
        let decode: Decoder
        let onSearched: @Sendable (SearchEvent) -> Void
        let encoder: @Sendable (ModelManifest) -> any EmbeddingEncoder
        let bundle: @Sendable (URL, ModelManifest) throws -> any EmbeddingEncoder
    }

    /// Opens what `make apps` or `make bundle` put into `folder`, all but the encoders, which are loaded on first use. Takes
    /// some tenths of a second. `own`: a folder for what staff add; `pictures`: one for what is searched with, which the
    /// system may clear away. `onSearched` is told of every search.
    ///
    /// `updates`: for an app that updates its catalog, made over the one that came with it; searched is then what they have in
    /// force. `bundle`: for one that takes other encoders with it, those of a folder by their manifest; ``ShopKeeper`` puts a
    /// shop over them into this one's place. The bundled catalog's digest is not checked: its bytes are in the app, whose signature iOS checks.
    ///
    /// Throws ``SearchError`` where a file is missing, damaged, or not the one that the manifest means.
    public init(
        _ folder: URL, own: URL, pictures: URL, decode: @escaping Decoder,
        onSearched: @escaping @Sendable (SearchEvent) -> Void = { _ in },
        updates: (_ bundled: ProductCatalog) throws -> CatalogUpdates? = { _ in nil },
        bundle: @escaping @Sendable (URL, ModelManifest) throws -> any EmbeddingEncoder = { folder, _ in
            throw SearchError.badRequest("encoders in \(folder.path), and the app takes none")
        }, encoder: @escaping @Sendable (ModelManifest) -> any EmbeddingEncoder
    ) throws {
        let manifest = try ModelManifest.load(folder.appendingPathComponent("manifest.json"))
        let bundled = try ProductCatalog.open(
            folder.appendingPathComponent("shop.catalog"), space: manifest.space, digest: manifest.catalog?.digest)
        let app = App(
            folder: folder, own: own, pictures: pictures, decode: decode, onSearched: onSearched, encoder: encoder,
            bundle: bundle)
        let updates = try updates(bundled)
        let isOwn = updates?.start.encoders == nil
        try self.init(app, updates, encoders: nil, isOwn ? updates?.start.catalog ?? bundled : bundled)
    }

    private init(_ app: App, _ updates: CatalogUpdates?, encoders: URL?, _ catalog: ProductCatalog) throws {
        let folder = encoders ?? app.folder
        let manifest = try ModelManifest.load(folder.appendingPathComponent("manifest.json"))
        let tokenizer = try Tokenizers.load(
            folder.appendingPathComponent(manifest.tokenizer.path), sha256: manifest.tokenizer.sha256,
            vocabulary: manifest.text.vocabulary)
        searcher = try Searcher(
            encoder: encoders.map { try app.bundle($0, manifest) } ?? app.encoder(manifest), tokenizer: tokenizer,
            preprocessor: manifest.preprocessor, search: CatalogSearch(catalog), onSearched: app.onSearched)
        (self.manifest, self.catalog, self.tokenizer, self.encoders) = (manifest, catalog, tokenizer, encoders)
        (self.app, self.updates) = (app, updates)
    }

    /// The products that pass the filter, best first, the doubtful ones apart; perhaps none. `image`: instead of the
    /// question's picture.
    public func find(
        _ question: ShopQuestion, image: RGBImage? = nil, locale: Locale
    ) async throws -> (certain: [ShopCard], doubtful: [ShopCard]) {
        let image = try image ?? question.picture.map(self.image)
        let answer = try await searcher.answer { try question.request(image, in: $0) }
        var (certain, doubtful): ([ShopCard], [ShopCard]) = ([], [])
        for hit in answer.hits {
            let card = try ShopCard(
                hit.product, in: answer.catalog, locale: locale, match: match(question, hit))
            if isDoubtful(question, hit) {
                doubtful.append(await pictured(card))
            } else {
                certain.append(await pictured(card))
            }
        }
        return (certain, doubtful)
    }

    /// The products that the question's words name exactly, by an id or a key of the shop or by all words: a group of its own
    /// above what ``find(_:image:locale:)`` gives. Asks no encoder.
    public func named(_ question: ShopQuestion, locale: Locale) async throws -> [ShopCard] {
        if question.words.isEmpty { return [] }
        let catalog = catalog
        var cards: [ShopCard] = []
        for named in try CatalogSearch(catalog).named(question.words, filter: question.filter(in: catalog)) {
            cards.append(await pictured(try ShopCard(named.product, in: catalog, locale: locale)))
        }
        return cards
    }

    /// Throws ``ShopProblem/gone`` where the shop has no such product any more.
    public func card(_ id: String, locale: Locale) async throws -> ShopCard {
        guard let place = try catalog.place(id: id) else { throw ShopProblem.gone }
        return await pictured(try ShopCard(place, in: catalog, locale: locale))
    }

    /// Keeps a picture's file, if it is one.
    public func keep(_ file: Data) throws -> ShopPicture {
        let picture = ShopPicture(name: UUID().uuidString)
        decoded = (picture, try app.decode(file, manifest.preprocessor, nil))
        try FileManager.default.createDirectory(at: app.pictures, withIntermediateDirectories: true)
        try file.write(to: self.file(picture), options: .atomic)
        return picture
    }

    /// Keeps a picture's file in the place of `old`, and tells the category that fits it best. What fails leaves `old`.
    public func keep(
        _ file: Data, insteadOf old: ShopPicture?
    ) async throws -> (picture: ShopPicture, category: String?) {
        let picture = try keep(file)
        do {
            let category = try await category(of: picture)
            forget(old)
            return (picture, category)
        } catch {
            forget(picture)
            throw error
        }
    }

    /// Removes a picture's file.
    public func forget(_ picture: ShopPicture?) {
        if let picture { try? FileManager.default.removeItem(at: file(picture)) }
    }

    /// Where a picture's file lies.
    public nonisolated func file(_ picture: ShopPicture) -> URL { app.pictures.appendingPathComponent(picture.name) }

    /// Lays the products of the shop's own staff over the catalog. Once, before the first search.
    ///
    /// Throws what ``StaffProducts`` throws; the shop works without them.
    func layStaffOver() async throws {
        let staff = try StaffProducts(
            folder: app.own.appendingPathComponent("staff"), base: catalog, searcher: searcher)
        self.staff = staff
        try await useLatest()
    }

    /// Asks for the catalog of today, and searches it from then on, the staff's products over it. What runs ends in the old
    /// one. One that comes with other encoders is left to ``ShopKeeper/update()``, which an app calls.
    ///
    /// Throws ``UpdateError``, `CancellationError`, and what ``swap(to:)`` throws; ``SearchError/badRequest(_:)`` in an app
    /// without updates.
    @discardableResult
    public func update() async throws -> UpdateOutcome {
        guard let updates else { throw SearchError.badRequest("an update in an app that was made without them") }
        let outcome = try await updates.update()
        if case .updated(let new, _, _) = outcome, new.encoders == encoders { try await swap(to: new.catalog) }
        return outcome
    }

    /// A shop for this one's place, over what the updates have in force: catalog and encoders as one. Encoders that do not open
    /// are given up, or, where they are `loaded` to see, those that do not load: then the shop is over what is in force
    /// without them, and `problem` says why.
    ///
    /// Throws `CancellationError`, and what giving up and opening the app's own throw.
    nonisolated func renewed(
        _ new: CatalogInForce, loaded: Bool
    ) async throws -> (shop: Shop, problem: (any Error)?) {
        func opened(_ new: CatalogInForce) throws -> Shop {
            try Shop(app, updates, encoders: new.encoders, new.catalog)
        }
        do {
            let shop = try opened(new)
            for part in loaded ? EncoderPart.allCases : [] {
                await searcher.release()  // at most one encoder more than a search takes
                try await shop.searcher.prepare([part])
                await shop.searcher.release()
            }
            return (shop, nil)
        } catch {
            guard let updates, new.encoders != nil, !(error is CancellationError) else { throw error }
            return (try opened(await updates.giveUp(new, because: error)), error)
        }
    }

    /// Searches another catalog of the same embedding space from now on, the staff's products over it.
    ///
    /// Throws ``SearchError/mismatch(name:problem:)`` for a catalog of another embedding space or, where staff added products,
    /// of another currency: then the old one stays.
    public func swap(to base: ProductCatalog) async throws {
        if let staff {
            try await staff.move(to: base)
        } else {
            try await searcher.use(CatalogSearch(base))
            catalog = base
        }
        try await useLatest()
    }

    /// The products that staff added, as they are shown.
    public func added() async throws -> [ShopCard] {
        var cards: [ShopCard] = []
        for product in try await opened().products { cards.append(try await card(product.id, locale: .current)) }
        return cards
    }

    /// Adds a product with its picture's file; it is found from then on. Throws ``ShopProblem`` too.
    public func add(_ entry: ShopEntry, locale: Locale) async throws {
        let product = try entry.product(locale: locale)
        guard let picture = entry.picture else { throw ShopProblem.incomplete }
        do {
            let file = try Data(contentsOf: file(picture))
            try await opened().add(product, picture: image(picture), file: file)
            try await useLatest()
        } catch SearchError.badRequest, SearchError.mismatch {
            throw ShopProblem.entry
        }
        forget(picture)
    }

    /// The category that fits a picture best; nil where the catalog has none.
    public func category(of picture: ShopPicture) async throws -> String? {
        let names = catalog.categories.filter { !$0.isEmpty }
        let labels = try await searcher.labels(image(picture), names: names, manifest: manifest)
        return labels.first?.name
    }

    /// Removes a product that staff added.
    public func remove(_ id: String) async throws {
        try await opened().remove(id)
        try await useLatest()
    }

    /// Writes what staff added into a folder of its own: what `make catalog PRODUCTS=…` takes. The folder, to be shared.
    public func exported() async throws -> URL {
        let folder = app.own.appendingPathComponent("export")
        try? FileManager.default.removeItem(at: folder)
        try await opened().export(to: folder)
        return folder
    }

    private func pictured(_ card: ShopCard) async -> ShopCard {
        var card = card
        if card.thumbnail == nil { card.picture = await staff?.picture(id: card.id) }
        return card
    }

    private func opened() throws -> StaffProducts {
        guard let staff else { throw ShopProblem.files }
        return staff
    }

    /// Searches what there is now. Of several changes at once the last one counts, in whatever order they arrive.
    private func useLatest() async throws {
        changes += 1
        var used: Int
        repeat {
            used = changes
            let latest = await staff?.catalog ?? catalog
            try await searcher.use(CatalogSearch(latest))
            catalog = latest
        } while used != changes
    }

    private func image(_ picture: ShopPicture) throws -> RGBImage {
        if let decoded, decoded.of == picture { return decoded.image }
        guard let file = try? Data(contentsOf: file(picture)) else { throw ShopProblem.picture }
        let image = try app.decode(file, manifest.preprocessor, picture.box.region)
        decoded = (picture, image)
        return image
    }

    /// None for "more like this": how sure it is that a product is the one asked for says nothing about its neighbours. None
    /// where the catalog's builder could not measure how sure.
    private func match(_ question: ShopQuestion, _ hit: SearchHit) -> ShopCard.Match? {
        guard question.like == nil, let stars = hit.stars, let percent = hit.percent else { return nil }
        return ShopCard.Match(stars: stars, percent: percent)
    }

    private func isDoubtful(_ question: ShopQuestion, _ hit: SearchHit) -> Bool {
        question.like == nil && hit.confidence ?? 1 < 0.1  // half a star: less is drawn as none
    }
}
