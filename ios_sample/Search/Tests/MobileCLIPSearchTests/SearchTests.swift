import Foundation
import Testing

@testable import MobileCLIPSearch

struct SearchTests {
    private let folder: Folder

    init() throws {
        folder = try Folder()
    }

    private struct Plain: Equatable {
        let product: Int
        let row: Int
        let score: Double

        init(product: Int, row: Int, score: Double) {
            self.product = product
            self.row = row
            self.score = score
        }

        init(_ hit: SearchHit) {
            self.init(product: hit.product, row: hit.row, score: hit.score)
        }
    }

    /// FORMATS.md's words, the slow way.
    private func plain(_ made: MadeCatalog, _ vector: [Float], _ fits: (Int) -> Bool = { _ in true }) -> [Plain] {
        let step = Double(vector.map(abs).max() ?? 0) / 16383
        var constant = 0.0
        for (offset, value) in zip(made.offset, vector) { constant += Double(offset) * Double(value) }
        var best: [Int: Plain] = [:]
        for (row, product) in made.owners.enumerated() where fits(product) {
            let codes = made.codes[row * made.dim..<(row + 1) * made.dim]
            let sum = zip(codes, vector).reduce(0) {
                $0 + Int($1.0) * Int((Double($1.1) / step).rounded(.toNearestOrEven))
            }
            let score = Double(made.scales[row]) * step * Double(sum) + constant
            if let old = best[product], old.score >= score { continue }
            best[product] = Plain(product: product, row: row, score: score)
        }
        return best.values.sorted { ($0.score, $1.row) > ($1.score, $0.row) }
    }

    private func vector(_ dim: Int, _ random: inout Seeded) -> [Float] {
        [5] + (1..<max(dim, 1)).map { _ in Float(random.below(9) - 4) }
    }

    private func fits(_ made: MadeCatalog, _ filter: CatalogFilter, _ without: Int?) -> (Int) -> Bool {
        { product in
            let price = made.prices[product]
            let isNamed = filter.categories?.contains(made.names[made.categories[product]]) ?? true
            let isPriced =
                filter.lowest == nil && filter.highest == nil
                || price >= 0 && price >= filter.lowest ?? 0 && price <= filter.highest ?? .max
            return isNamed && isPriced && product != without
        }
    }

    @Test func searchesWithFiltersThresholdsAndTiesEqualTheSlowWay() throws {
        var random = Seeded(5)
        var ties = 0
        for seed in 0..<UInt64(400) {
            let made = MadeCatalog(seed: seed, rows: 1 + random.below(700), dim: 1 + random.below(40))
            let search = CatalogSearch(try folder.open(made.bytes()))
            let vector = vector(made.dim, &random)
            let named = made.names.filter { _ in random.chance(2) }
            let filter = CatalogFilter(
                categories: random.chance(2) ? Set(named) : nil,
                lowest: random.chance(3) ? Int64(random.below(10)) * 10_000 : nil,
                highest: random.chance(3) ? Int64(random.below(20)) * 10_000 : nil)
            let without = random.chance(2) ? random.below(made.products) : nil
            let all = plain(made, vector, fits(made, filter, without))
            ties += zip(all, all.dropFirst()).filter { $0.score == $1.score }.count
            let threshold = random.chance(2) ? all.randomElement(using: &random)?.score ?? -.infinity : -.infinity
            let k = 1 + random.below(30)
            let found = try search.search(.text(vector), k: k, filter: filter, threshold: threshold, without: without)
            #expect(found.map(Plain.init) == Array(all.filter { $0.score >= threshold }.prefix(k)), "seed \(seed)")
        }
        #expect(ties > 1000)
    }

    @Test func everyWidthUpToTheWidestIsScoredExactly() throws {
        for dim in Array(1...70) + [127, 128, 511, 512, 513, 768, 1023, 1024] {
            var made = MadeCatalog(seed: UInt64(dim), rows: 33, dim: dim)
            made.codes.replaceSubrange(0..<dim, with: [Int8](repeating: -127, count: dim))
            let vector = [Float](repeating: 1, count: dim)
            let found = try CatalogSearch(folder.open(made.bytes())).search(.image(vector), k: 100)
            #expect(found.map(Plain.init) == plain(made, vector))
        }
    }

    @Test func moreLikeThisLeavesTheProductOutAndEqualsASearchByItsFirstRow() throws {
        let made = MadeCatalog(seed: 3, rows: 60, dim: 16)
        let catalog = try folder.open(made.bytes())
        for product in 0..<catalog.count {
            let row = try #require(made.owners.firstIndex(of: product))
            let vector = (0..<16).map {
                Float(Double(made.offset[$0]) + Double(made.scales[row]) * Double(made.codes[row * 16 + $0]))
            }
            let found = try CatalogSearch(catalog).search(.like(product: product), k: 5)
            #expect(found.map(Plain.init) == Array(plain(made, vector) { $0 != product }.prefix(5)))
        }
    }

    @Test func theSlidersEndsAreTheTextsAndTheImagesOwnResults() throws {
        var random = Seeded(1)
        let catalog = try folder.open(MadeCatalog(seed: 8, rows: 200, dim: 24).bytes())
        let search = CatalogSearch(catalog)
        let (text, image) = (vector(24, &random), vector(24, &random))
        #expect(try search.search(.text(text)) == search.search(.both(text: text, image: image, slider: 0)))
        #expect(try search.search(.image(image)) == search.search(.both(text: text, image: image, slider: 1)))
        #expect(try abs(catalog.calibration.weight(slider: 1.0 / 3) - 0.5) < 1e-12)
    }

    @Test func starsAndPerCentRoundHalvesToEven() {
        func hit(_ confidence: Double?) -> SearchHit { SearchHit(product: 0, row: 0, score: 0, confidence: confidence) }
        #expect([0.0, 0.1, 0.3, 0.5, 0.7, 1.0].map { hit($0).stars } == [0, 0, 2, 2, 4, 5])
        #expect([0.005, 0.015, 0.125, 1.0].map { hit($0).percent } == [0, 2, 12, 100])
        #expect(hit(nil).stars == nil && hit(nil).percent == nil)
    }

    @Test func theLeastConfidenceIsInclusive() throws {
        let search = CatalogSearch(try folder.open(MadeCatalog(seed: 8, rows: 50, dim: 4).bytes()))
        let all = try search.search(.text([1, 2, 3, 4]), k: 1000)
        let least = try #require(all[all.count / 2].confidence)
        let found = try search.search(.text([1, 2, 3, 4]), k: 1000, leastConfidence: least)
        #expect(try found == all.filter { try #require($0.confidence) >= least })
    }

    @Test(arguments: [(true, true), (true, false), (false, true), (false, false)])
    func whatWasNotMeasuredHasNoConfidenceAndNoLeastConfidenceHidesIt(texts: Bool, images: Bool) throws {
        let calibration = calibration(text: flat(texts), image: flat(images))
        let made = MadeCatalog(seed: 8, rows: 50, dim: 4)
        let search = CatalogSearch(try folder.open(made.changed(["calibration": calibration])))
        let (text, image): ([Float], [Float]) = ([1, 2, 3, 4], [4, 3, 2, 1])
        let cases: [(SearchQuery, Bool)] = [
            (.text(text), texts), (.image(image), images), (.like(product: 7), images),
            (.both(text: text, image: image, slider: 0), texts),
            (.both(text: text, image: image, slider: 0.5), texts && images),
            (.both(text: text, image: image, slider: 1), images),
        ]
        for (query, measured) in cases {
            let all = try search.search(query)
            #expect(Set(all.map { $0.confidence != nil }) == [measured])
            #expect(try search.search(query, leastConfidence: 1) == (measured ? [] : all))
        }
    }

    /// A curve so flat that no result is sure.
    private func flat(_ measured: Bool) -> String { #"{"a":0.001,"b":0,"spread":1,"measured":\#(measured)}"# }

    @Test(arguments: [
        (#"{"a":10,"b":-5.0,"spread":0.2}"#, "names", [false, true]),
        (#"{"a":10,"b":-5.000001,"spread":0.2}"#, "names", [true, true]),
        (#"{"a":10.1,"b":-5,"spread":0.2}"#, "names", [true, true]),
        (#"{"a":4,"b":-2,"spread":0.2}"#, "none", [false, false]),
        (#"{"a":10,"b":-5,"spread":0.2,"measured":true}"#, "none", [true, false]),
        (#"{"a":4,"b":-2,"spread":0.2,"measured":false}"#, "names", [false, true]),
    ])
    func anOlderCalibrationWasMeasuredUnlessItIsTheBuildersGuessOrOfNoSource(
        text: String, source: String, expected: [Bool]
    ) throws {
        let other = #"{"a":3,"b":-1,"spread":1}"#
        let read = try ScoreCalibration(json: calibration(text: text, image: other, source: source))
        #expect([read.text.measured, read.image.measured] == expected)
        #expect((read.ofText(0.5) != nil) == expected[0])
    }

    @Test func categoriesThatUnicodeCallsEquivalentStayTwo() throws {
        var made = MadeCatalog(seed: 8, rows: 50, dim: 4)
        made.names = ["Caf\u{E9}", "Cafe\u{301}", "Tea", "Cake"]
        let catalog = try folder.open(made.bytes())
        let found = try CatalogSearch(catalog).search(
            .text([1, 2, 3, 4]), k: 1000, filter: CatalogFilter(categories: ["Cafe\u{301}"]))
        #expect(Set(found.map { catalog.category($0.product) }) == [1])
    }

    @Test func whatCannotBeAskedIsRefusedByName() throws {
        let search = CatalogSearch(try folder.open(MadeCatalog(seed: 1, rows: 9, dim: 3, currency: "").bytes()))
        let good = SearchQuery.text([1, 0, 0])
        func refused(_ says: String, _ ask: () throws -> Void) {
            guard case .badRequest(let problem) = failure(ask), problem.contains(says) else {
                Issue.record("not refused: \(says)")
                return
            }
        }
        refused("expected 3") { _ = try search.search(.text([1])) }
        refused("not finite") { _ = try search.search(.text([1, .nan, 0])) }
        refused("not finite") { _ = try search.search(.image([1, .infinity, 0])) }
        refused("zeros") { _ = try search.search(.text([0, 0, 0])) }
        refused("best 0") { _ = try search.search(good, k: 0) }
        refused("threshold") { _ = try search.search(good, threshold: .nan) }
        refused("confidence") { _ = try search.search(good, leastConfidence: .nan) }
        refused("Shoes") { _ = try search.search(good, filter: CatalogFilter(categories: ["Shoes"])) }
        refused("currencies") { _ = try search.search(good, filter: CatalogFilter(lowest: 0)) }
        refused("no product 999") { _ = try search.search(.like(product: 999)) }
        refused("no product -1") { _ = try search.search(good, without: -1) }
        refused("slider") { _ = try search.search(.both(text: [1, 0, 0], image: [1, 0, 0], slider: .nan)) }
    }

    @Test func anEmptyRangeOfPricesFindsNothing() throws {
        let search = CatalogSearch(try folder.open(MadeCatalog(seed: 1, rows: 9, dim: 3).bytes()))
        #expect(try search.search(.text([1, 0, 0]), filter: CatalogFilter(lowest: 2, highest: 1)).isEmpty)
        #expect(try search.search(.text([1, 0, 0]), filter: CatalogFilter(lowest: .min, highest: .min)).isEmpty)
    }

    @Test func manyTasksSearchingOneCatalogGetWhatOneGets() async throws {
        let search = CatalogSearch(try folder.open(MadeCatalog(seed: 11, rows: 3000, dim: 64).bytes()))
        var random = Seeded(1)
        let queries = (0..<16).map { _ in SearchQuery.text(vector(64, &random)) }
        let expected = try queries.map { try search.search($0) }
        let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
            for first in 0..<8 {
                group.addTask {
                    try (0..<100).filter {
                        try search.search(queries[(first + $0) % 16]) != expected[(first + $0) % 16]
                    }
                    .count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(wrong == 0)
    }

    @Test func aSearchThatIsCancelledStopsWithinABlock() throws {
        let search = CatalogSearch(try folder.open(MadeCatalog(seed: 2, rows: 3000, dim: 512).bytes()))
        let query = SearchQuery.text([Float](repeating: 1, count: 512))
        var asked = 0
        #expect(throws: CancellationError.self) {
            try search.search(query) {
                asked += 1
                return asked == 3
            }
        }
        #expect(asked == 3)
        _ = try search.search(query) {
            asked += 1
            return false
        }
        #expect(asked == 3 + 12)  // 3,000 rows, 256 at a time
    }

    @Test func aCatalogGivesItsProductsPricesAndSmallPictures() throws {
        let made = MadeCatalog(seed: 4, rows: 40, dim: 5)
        let catalog = try folder.open(made.bytes())
        #expect(catalog.count == made.products && catalog.rows == 40 && catalog.dim == 5)
        #expect(catalog.currency == "EUR" && catalog.model == "made")
        let product = try catalog.product(7)
        #expect([product.id, product.name, product.category] == ["p7", "Product é 7", ""])
        #expect(product.price == Decimal(string: "1.5"))
        for (product, price) in made.prices.enumerated() {
            #expect(catalog.price(product) == (price < 0 ? nil : price))
        }
        #expect(catalog.thumbnail(0) == nil)
        #expect(catalog.thumbnail(5) == Data([7, 7]))
        try catalog.verify()
    }

    @Test func theSampleShopVerifies() throws {
        let catalog = try ProductCatalog.open(Dist.file("products.catalog"))
        try catalog.verify()
        for product in 0..<catalog.count { #expect(try !catalog.product(product).name.isEmpty) }
    }
}
