import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

/// A shop whose site is the folder of golden updates.
@MainActor
struct UpdateTests {
    private let made: MadeShop
    private let other: MadeShop  // its manifest and tokenizer are a bundle's

    init() throws {
        made = try MadeShop(catalog: "base.catalog", of: "updates")
        other = try MadeShop(catalog: "foreign.catalog", of: "updates")
    }

    private func key() throws -> UpdateKey {
        let keys = try String(contentsOf: golden("key.txt"), encoding: .utf8).split(separator: "\n")
        return try UpdateKey(String(try #require(keys.first)))
    }

    /// Any signature counts: the package's own tests check them.
    private func keeper() throws -> ShopKeeper {
        let (key, folder) = (try key(), made.file("updates"))
        let updates: @Sendable (ProductCatalog) throws -> CatalogUpdates? = { bundled in
            try CatalogUpdates(
                name: "shop", folder: folder, bundled: bundled, keys: [key],
                fetch: { path, _ in
                    let rest = Rest(try Data(contentsOf: golden(path)))
                    return UpdateDownload(start: 0) { await rest.take() }
                }, check: { _, _, _ in true })
        }
        return made.keeper(updates: updates)
    }

    private func entry(_ shop: Shop) async throws -> ShopEntry {
        var entry = ShopEntry()
        (entry.id, entry.name, entry.category) = ("new-1", "Hand-made hat", "Hats")
        entry.picture = try await shop.keep(pictureFile)
        return entry
    }

    @Test func aRunningShopTakesTheNewCatalogAndKeepsTheStaffsProducts() async throws {
        let keeper = try keeper()
        let shop = try await keeper.shop()
        try await shop.add(entry(shop), locale: .current)
        let model = SearchModel(keeper)
        model.start()
        guard case .updated(let new, _, _) = try await shop.update() else {
            Issue.record("no update")
            return
        }
        #expect(new.number == 3)
        let wednesday = try ProductCatalog.open(golden("wednesday.catalog"))
        for keeper in [keeper, try self.keeper()] {
            let shop = try await keeper.shop()
            #expect(await shop.catalog.digest == wednesday.digest)
            #expect(try await shop.added().map(\.id) == ["new-1"])
            let model = SearchModel(keeper)
            model.choose { _ in pictureFile }
            #expect(try await model.cards().first?.id == "new-1")
            #expect(model.categories == wednesday.categories + ["Hats"])
            guard case .current = try await shop.update() else {
                Issue.record("an update twice")
                return
            }
        }
    }

    @Test func anUpdateWhileStaffAddAndShoppersSearchLosesNothing() async throws {
        let shop = try await keeper().shop()
        async let outcome = shop.update()
        for number in 0..<20 {
            var entry = try await entry(shop)
            entry.id = "new-\(number)"
            try await shop.add(entry, locale: .current)
            _ = try await shop.find(ShopQuestion(text: "a red dress"), locale: .current)
        }
        _ = try await outcome
        let wednesday = try ProductCatalog.open(golden("wednesday.catalog"))
        #expect(await shop.catalog.digest == wednesday.digest)
        #expect(await shop.searcher.catalog.digest == wednesday.digest)
        #expect(try await shop.added().count == 20)
    }

    @Test func withoutTheStaffsProductsTheCatalogIsSwappedToo() async throws {
        let shop = try made.brokenShop()
        let tuesday = try ProductCatalog.open(golden("tuesday.catalog"))
        try await shop.swap(to: tuesday)
        #expect(await shop.catalog.digest == tuesday.digest)
        let other = try ProductCatalog.open(goldens.appendingPathComponent("search/shop.catalog"))
        await #expect(throws: SearchError.self) { try await shop.swap(to: other) }
        #expect(await shop.catalog.digest == tuesday.digest)
    }

    /// Whose site has other encoders with their catalog.
    private func keeper(
        bundle: @escaping @Sendable (URL, ModelManifest) throws -> any EmbeddingEncoder
    ) throws -> ShopKeeper {
        func published(_ path: String, _ file: String, _ more: [String: Any] = [:]) throws -> [String: Any] {
            let url = other.file(file)
            let size = try Data(contentsOf: url).count
            return more.merging(["path": path, "sha256": try fileDigest(url), "bytes": size]) { $1 }
        }
        let catalog = try ProductCatalog.open(other.file("shop.catalog"))
        let statement: [String: Any] = [
            "format": "mobileclip-update", "version": 1, "name": "shop", "number": 2, "space": catalog.space,
            "catalog": try published("b/shop.catalog", "shop.catalog", ["digest": catalog.digest]), "deltas": [],
            "manifest": try published(
                "b/manifest.json", "manifest.json",
                ["files": [published("b/tokenizer.safetensors", "tokenizer.safetensors")]]),
        ]
        let signed = Data(count: 64) + (try JSONSerialization.data(withJSONObject: statement))
        let (folder, site) = (made.file("updates"), other)
        let key = try key()
        return made.keeper(
            updates: { bundled in
                try CatalogUpdates(
                    name: "shop", folder: folder, bundled: bundled, keys: [key], takesBundles: true,
                    fetch: { path, _ in
                        let isFile = path.hasPrefix("b/")
                        let rest = Rest(isFile ? try Data(contentsOf: site.file(String(path.dropFirst(2)))) : signed)
                        return UpdateDownload(start: 0) { await rest.take() }
                    }, check: { _, _, _ in true })
            }, bundle: bundle)
    }

    @Test func catalogAndEncodersAreSwappedAsOneWhileShoppersSearch() async throws {
        let keeper = try keeper { Fake($1, loudness: 1000, gate: Gate(isOpen: true)) { _ in } }
        let old = try await keeper.shop()
        try await old.add(entry(old), locale: .current)
        let overlay = made.file("own/staff/overlay.catalog")
        let staff = try Data(contentsOf: overlay)
        let question = ShopQuestion(text: "a red dress")
        let before = try await old.find(question, locale: .current).certain
        let update = Task { try await keeper.update() }
        var spaces: Set<String> = []
        for _ in 0..<200 {
            let shop = try await keeper.shop()
            _ = try await shop.find(question, locale: .current)
            #expect(await shop.catalog.space == shop.manifest.space)
            spaces.insert(shop.manifest.space)
        }
        guard case .updated(let new, .whole, _) = try await update.value else {
            Issue.record("no update")
            return
        }
        let foreign = try ProductCatalog.open(golden("foreign.catalog"))
        #expect(new.number == 2 && spaces.isSubset(of: [old.manifest.space, foreign.space]))
        #expect(try await old.find(question, locale: .current).certain == before)
        for keeper in [keeper, try self.keeper { Fake($1, loudness: 1000, gate: Gate(isOpen: true)) { _ in } }] {
            let shop = try await keeper.shop()
            #expect(shop.encoders == new.encoders && shop.manifest.space == foreign.space)
            #expect(await shop.catalog.digest == foreign.digest)
            let found = try await shop.find(question, locale: .current)
            #expect(found.certain.count + found.doubtful.count == min(foreign.count, 20))
            await #expect(throws: ShopProblem.files) { try await shop.added() }
            guard case .current = try await keeper.update() else {
                Issue.record("an update twice")
                return
            }
            #expect(try await keeper.shop() === shop)
        }
        #expect(try Data(contentsOf: overlay) == staff)
    }

    @Test func encodersThatDoNotLoadAreGivenUpAndTheAppsOwnStay() async throws {
        let keeper = try keeper { Broken(space: $1.space, dim: $1.dim, isUnloadable: true) }
        let own = try await keeper.shop()
        try await own.add(entry(own), locale: .current)
        await #expect(throws: SearchError.self) { try await keeper.update() }
        let shop = try await keeper.shop()
        #expect(shop.encoders == nil && shop.manifest.space == own.manifest.space)
        #expect(await shop.catalog.space == own.manifest.space)
        #expect(try await shop.added().map(\.id) == ["new-1"])
        await #expect(throws: UpdateError.self) { try await keeper.update() }  // it is not taken again
        #expect(try await keeper.shop() === shop)
    }

    @Test func encodersThatDoNotOpenAtAStartAreGivenUp() async throws {
        let good = try keeper { Fake($1, loudness: 1000, gate: Gate(isOpen: true)) { _ in } }
        try await good.update()
        #expect(try await good.shop().encoders != nil)
        let keeper = try keeper { folder, _ in throw SearchError.badRequest("nothing in \(folder.path)") }
        let shop = try await keeper.shop()
        #expect(shop.encoders == nil)
        #expect(await shop.catalog.space == shop.manifest.space)
        await #expect(throws: UpdateError.self) { try await keeper.update() }
    }

    @Test func anAppWithoutUpdatesIsToldSo() async throws {
        let shop = try await made.keeper().shop()
        #expect(shop.updates == nil)
        await #expect(throws: SearchError.self) { try await shop.update() }
    }
}

private func golden(_ name: String) -> URL { goldens.appendingPathComponent("updates").appendingPathComponent(name) }

/// A file that comes in one block.
private actor Rest {
    private var file: Data?

    init(_ file: Data) {
        self.file = file
    }

    func take() -> Data? {
        defer { file = nil }
        return file
    }
}
