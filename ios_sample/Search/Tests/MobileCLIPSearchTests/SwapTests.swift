import Foundation
import Testing

@testable import MobileCLIPSearch

/// SWAPS=10000 searches so often in place of 500, while the catalog is swapped.
struct SwapTests {
    private let searches = ProcessInfo.processInfo.environment["SWAPS"].flatMap(Int.init) ?? 500

    @Test func eachAnswerIsWhollyOfOneVersion() async throws {
        let days = try ["base", "tuesday", "wednesday"].map {
            try ProductCatalog.open(Goldens.file("updates/\($0).catalog"))
        }
        let encoder = Fake(space: days[0].space, dim: days[0].dim)
        let searcher = try Searcher(
            encoder: encoder, tokenizer: Lengths(),
            preprocessor: ImagePreprocessor(size: 8, interpolation: .bilinear), search: CatalogSearch(days[0]))
        let texts = ["a", "bag", "shoes"]
        var expected: [String: [SearchHit]] = [:]
        for day in days {
            for text in texts {
                let vector = Fake.vector(3 * text.count + 3, day.dim)
                expected[day.digest + text] = try CatalogSearch(day).search(.text(vector))
            }
        }
        let swaps = Task {
            var count = 0
            while !Task.isCancelled {
                count += 1
                try await searcher.use(CatalogSearch(days[count % days.count]))
                await Task.yield()
            }
            return count
        }
        var met: [String: Int] = [:]
        for search in 0..<searches {
            let text = texts[search % texts.count]
            let answer = try await searcher.answer(to: SearchRequest(text: text))
            #expect(answer.hits == expected[answer.catalog.digest + text])
            let made = try await searcher.answer { day in
                try SearchRequest(text: text, filter: CatalogFilter(categories: Set(day.categories.suffix(1))))
            }
            #expect(made.hits.allSatisfy { made.catalog.category($0.product) == made.catalog.categories.count - 1 })
            met[answer.catalog.digest, default: 0] += 1
            await Task.yield()
        }
        swaps.cancel()
        let count = try await swaps.value
        #expect(count > 10 && met.count == days.count)
        print("searches while the catalog was swapped: \(searches), swaps: \(count)")
    }

    @Test func ofAHundredProductsOfStaffsNoneIsLostOrFoundTwiceInTenUpdates() async throws {
        let folder = try Folder()
        let days = try (0...10).map { day in
            let made = MadeCatalog(seed: UInt64(day), rows: 60 + 20 * day, dim: 8, currency: "")
            return try ProductCatalog.open(folder.write(made.bytes(), "\(day).catalog"))
        }
        let searcher = try Searcher(
            encoder: Fake(space: days[0].space, dim: 8), tokenizer: Lengths(),
            preprocessor: ImagePreprocessor(size: 8, interpolation: .bilinear), search: CatalogSearch(days[0]))
        let own = folder.url.appendingPathComponent("staff")
        var staff = try StaffProducts(folder: own, base: days[0], searcher: searcher)
        let ids = (0..<100).map { "p\(days[0].count - 20 + $0)" }  // 20 of the base's, and 80 that come later
        for (number, id) in ids.enumerated() {
            let photo = try RGBImage(bytes: [UInt8](repeating: UInt8(number), count: 3 * 9), width: 3, height: 3)
            let file = Data([0xFF, 0xD8, 0xFF, UInt8(number)])
            try await staff.add(NewProduct(id: id, name: "New"), picture: photo, file: file)
        }
        var counts: [Int] = []
        for (number, day) in days.enumerated().dropFirst() {
            if number % 4 == 0 { staff = try StaffProducts(folder: own, base: days[number - 1], searcher: searcher) }
            let catalog = try await staff.move(to: day)
            let hits = try CatalogSearch(catalog).search(.image(Fake.vector(number, 8)), k: catalog.count)
            let found = try hits.map { try catalog.product($0.product).id }
            #expect(Set(found).count == found.count)
            let extra = try await staff.products.filter { try day.place(id: $0.id) == nil }.count
            #expect(Set(ids).isSubset(of: Set(found)) && found.count == day.count + extra)
            counts.append(await staff.products.count)
        }
        #expect(counts.first ?? 0 > counts.last ?? 0 && counts == counts.sorted(by: >))
        #expect(counts.last ?? 0 >= 20)
    }
}
