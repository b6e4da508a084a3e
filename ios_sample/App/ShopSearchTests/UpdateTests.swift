import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

/// A shop whose site is the folder of golden updates.
@MainActor
struct UpdateTests {
    private let made: MadeShop

    init() throws {
        made = try MadeShop(catalog: "base.catalog", of: "updates")
    }

    /// Any signature counts: the package's own tests check them.
    private func keeper() throws -> ShopKeeper {
        let keys = try String(contentsOf: golden("key.txt"), encoding: .utf8).split(separator: "\n")
        let key = try UpdateKey(String(try #require(keys.first)))
        let folder = made.file("updates")
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
