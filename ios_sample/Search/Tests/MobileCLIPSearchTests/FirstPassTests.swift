import Foundation
import Testing

@testable import MobileCLIPSearch

/// A product that was found, as goldens write it.
struct PlainHit: Equatable {
    let product: Int
    let row: Int
    let score: UInt64

    init(_ product: Int, _ row: Int, _ score: Double) {
        (self.product, self.row, self.score) = (product, row, score.bitPattern)
    }

    init(_ golden: [String: Json]) throws {
        product = try golden.int("product")
        row = try golden.int("row")
        score = try #require(UInt64(golden.text("score"), radix: 16))
    }

    init(_ hit: SearchHit) { self.init(hit.product, hit.row, hit.score) }
}

struct FirstPassTests {
    private let index: [String: Json]
    private let folder = Goldens.file("first-pass")

    init() throws {
        index = try Goldens.json(folder.appendingPathComponent("index.json"))
    }

    private func open(_ name: String) throws -> ProductCatalog {
        try ProductCatalog.open(folder.appendingPathComponent(name))
    }

    @Test func goldenSearchesScoreTheSameCandidatesAndFindTheSameProducts() throws {
        let catalog = try open(index.text("catalog"))
        let search = CatalogSearch(catalog)
        let first = try #require(catalog.base.tables.firstPass)
        for (number, golden) in try index.objects("cases").enumerated() {
            let (vector, k) = (try golden.vector("vector"), try golden.int("k"))
            let categories = try golden["categories"]?.asArray("categories").map { try $0.asText("a category") }
            let filter = CatalogFilter(
                categories: categories.map(Set.init),
                lowest: try golden["lowest"].map { Int64(try $0.asInt("lowest")) },
                highest: try golden["highest"].map { Int64(try $0.asInt("highest")) })
            let without = try golden["without"]?.asInt("without")
            func hits(exact: Bool) throws -> [PlainHit] {
                try search.search(
                    .image(vector), k: k, filter: filter,
                    threshold: golden["threshold"]?.asDouble("threshold") ?? -.infinity, without: without, exact: exact
                ).map(PlainHit.init)
            }
            let expected = try golden.objects("hits").map(PlainHit.init)
            #expect(try hits(exact: false) == expected, "case \(number)")
            let exact = try golden.part("exact")
            #expect(
                try hits(exact: true)
                    == (exact == .null ? expected : golden.objects("exact").map(PlainHit.init)), "case \(number)")
            let query = try PreparedQuery(vector, catalog.base.tables)
            let projected = try golden.part("projected")
            #expect(
                try first.projected(query.sum)
                    == (projected == .null ? nil : projected.asArray("p7").map { Int16(try $0.asInt("p7")) }),
                "case \(number)")
            guard case .array(let rows) = try golden.part("candidates") else { continue }
            let names = catalog.categories
            let scan = Scan(
                part: catalog.base, query: query,
                wanted: { product in
                    let price = catalog.base.tables.prices[product]
                    return product != without
                        && (categories.map { $0.contains(names[catalog.category(product)]) } ?? true)
                        && (filter.lowest.map { price >= $0 } ?? true) && (filter.highest.map { price <= $0 } ?? true)
                }, threshold: -.infinity)
            let found = try TwoStageScan(scan: scan, first: first, k: k).candidates { false }
            #expect(try found == rows.map { try $0.asInt("a row") }, "case \(number)")
        }
    }

    @Test func damagedFilesAreRefused() throws {
        let files = try index.part("damaged").asArray("damaged").map { try $0.asText("a file") }
        #expect(files.count >= 32)
        for name in files {
            let file = folder.appendingPathComponent(name)
            #expect(FileManager.default.fileExists(atPath: file.path))
            refused(file.path) { _ = try ProductCatalog.open(file) }
        }
    }

    @Test func aDeltaCarriesTheFirstPass() throws {
        let place = try Folder()
        let names = try index.part("followed").asObject("followed")
        let base = try open(names.text("base"))
        let delta = try CatalogDelta.open(folder.appendingPathComponent(names.text("delta")))
        let target = place.url.appendingPathComponent("made.catalog")
        _ = try delta.apply(to: base, writing: target)
        #expect(try Data(contentsOf: target) == Data(contentsOf: folder.appendingPathComponent(names.text("result"))))
    }

    @Test func everyRowFollowsFromItsCodes() throws {
        let tables = try open(index.text("catalog")).base.tables
        let first = try #require(tables.firstPass)
        let (width, dim) = (first.width, tables.offset.count)
        for row in 0..<tables.rows {
            let made = first.derived(tables.codes[row * dim..<(row + 1) * dim], tables.scales[row])
            #expect(made.codes == first.codes[row * width..<(row + 1) * width] && made.scale == first.scales[row])
        }
    }

    @Test func aKeyWithoutTensorsIsPassedOver() throws {
        let made = MadeCatalog(seed: 1, rows: 5, dim: 4)
        let file = sealed(container(made.metadata() + [("first_pass", "none")], made.tensors()))
        #expect(try Folder().open(file).base.tables.firstPass == nil)
    }

    /// Few different codes, and products with many rows: scores tie, and candidates belong to few.
    @Test(arguments: UInt64(0)..<12) func randomCatalogsAreSearchedAsAPlainTwinDoes(_ seed: UInt64) throws {
        var random = Seeded(seed)
        var made = MadeCatalog(seed: seed, rows: 2100 + random.below(500), dim: 4 + random.below(5))
        if seed % 3 == 0 { made.gather(1500 + random.below(300)) }
        let folder = try Folder()
        let base = try folder.open(made.bytes(axes: 3, of: 20 + random.below(80), &random))
        var overlay = CatalogOverlay.empty(base)
        for number in 0..<6 where seed % 2 == 0 {
            let vectors = [made.vector(&random), made.vector(&random)]
            overlay = try overlay.putting(
                NewProduct(id: "p\(3 * number + 2)", name: "New", category: "name 1", vectors: vectors))
        }
        let catalog = try base.adding(seed % 2 == 0 ? overlay.removing("p1") : overlay)
        let twin = try PlainSearch(catalog)
        var passes = 0
        for k in [1, 2, 3, 9, .max] {
            for filter in [
                CatalogFilter.any, CatalogFilter(categories: ["name 0", "name 1", "name 2"]),
                CatalogFilter(lowest: 10_000),
            ] {
                let vector = made.vector(&random)
                let without = random.chance(2) ? random.below(catalog.count) : nil
                let found = try CatalogSearch(catalog).search(.image(vector), k: k, filter: filter, without: without)
                let (expected, passed) = twin.search(vector, k, filter, without)
                #expect(found.map(PlainHit.init) == expected, "seed \(seed), k \(k)")
                passes += passed ? 1 : 0
            }
        }
        #expect(passes > 0)
    }

    /// The sampled rows are the best of all, the worst, or as all others; and fewer products fit, too few in the end.
    @Test(arguments: [60, -60, 0]) func theSampleChangesNoCandidates(_ towards: Float) throws {
        var random = Seeded(1)
        var made = MadeCatalog(seed: 1, rows: 3000, dim: 4)
        let vector = made.vector(&random)
        for row in 0..<3000 where row % TwoStageScan.sampled == 0 || towards == 0 {
            made.codes.replaceSubrange(4 * row..<4 * row + 4, with: vector.map { Int8($0 * towards) })
            made.scales[row] = 8
        }
        let catalog = try Folder().open(made.bytes(axes: 3, of: 20, &random))
        let twin = try PlainSearch(catalog)
        let first = try #require(catalog.base.tables.firstPass)
        var counts: [Int?] = []
        for each in 1...4 {
            let scan = Scan(
                part: catalog.base, query: try PreparedQuery(vector, catalog.base.tables),
                wanted: each == 1 ? nil : { $0 % each != 1 }, threshold: -.infinity)
            let rows = made.owners.indices.filter { each == 1 || made.owners[$0] % each != 1 }
            for k in 1...2 {
                let found = try TwoStageScan(scan: scan, first: first, k: k).candidates { false }
                #expect(found == twin.candidates(catalog.base, vector, k, rows), "one of \(each), k \(k)")
                counts.append(found?.count)
            }
        }
        #expect(counts.contains(nil) && counts.contains { $0 != nil })
    }

    @Test func moreRowsThanABlockHoldsAreSearchedAsAPlainTwinDoes() throws {
        var random = Seeded(1)
        let made = MadeCatalog(seed: 1, rows: 2500, dim: 128)
        let catalog = try Folder().open(made.bytes())
        let twin = try PlainSearch(catalog)
        for filter in [CatalogFilter.any, CatalogFilter(categories: ["name 1"])] {
            let vector = made.vector(&random)
            let found = try CatalogSearch(catalog).search(.image(vector), k: 100, filter: filter)
            #expect(found.map(PlainHit.init) == twin.search(vector, 100, filter, nil).hits)
        }
    }

    @Test(arguments: [1, 15, 16, 95, 96, 100, 1024]) func sumsOfManyRowsAreThoseOfEach(_ width: Int) {
        var random = Seeded(UInt64(width))
        let q16 = (0..<width).map { _ in Int16(random.below(2 * 16383 + 1) - 16383) }
        let codes = (0..<5 * width).map { _ in Int8(random.below(256) - 128) }
        var sums = [Int32](repeating: 0, count: 5)
        RowSum(q16)(codes, rows: 5, into: &sums)
        for row in 0..<5 {
            #expect(sums[row] == (0..<width).reduce(0) { $0 + Int32(codes[row * width + $1]) * Int32(q16[$1]) })
        }
    }

    @Test func aSearchIsCancelledWithinTheFirstPass() throws {
        let catalog = try open(index.text("catalog"))
        let vector = try index.objects("cases")[0].vector("vector")
        #expect(throws: CancellationError.self) {
            try CatalogSearch(catalog).search(.image(vector), k: 1, isCancelled: { true })
        }
    }
}

extension MadeCatalog {
    /// So many rows become the first product's.
    mutating func gather(_ rows: Int) {
        owners = (0..<owners.count).map { max(0, $0 - rows + 1) }
        let products = (owners.last ?? 0) + 1
        prices = (0..<products).map { prices[$0 % prices.count] }
        categories = (0..<products).map { categories[$0 % categories.count] }
    }

    func vector(_ random: inout Seeded) -> [Float] { (0..<dim).map { _ in Float(random.below(33) - 16) / 8 } }

    /// The file with a first pass on random axes.
    func bytes(axes width: Int, of: Int, _ random: inout Seeded) -> [UInt8] {
        let axes = (0..<width).map { _ in (0..<dim).map { _ in random.below(255) - 127 } }
        var (small, scales): ([Int8], [Float]) = ([], [])
        for row in owners.indices {
            let sums = axes.map { axis in (0..<dim).reduce(0) { $0 + axis[$1] * Int(codes[row * dim + $1]) } }
            let factor = Float(Double(sums.map(abs).max() ?? 0) / 127)
            small += sums.map { sum in
                Int8(max(-127, min(127, (Double(sum) / (factor > 0 ? Double(factor) : 1)).rounded(.toNearestOrEven))))
            }
            scales.append(Float(Double(self.scales[row]) * Double(factor)))
        }
        let rows = owners.count
        let first = [
            Tensor(name: "first_scales", type: "F32", shape: [rows], data: scales.flatMap { little($0.bitPattern) }),
            Tensor(
                name: "first_axes", type: "I8", shape: [width, dim],
                data: axes.joined().map { UInt8(bitPattern: Int8($0)) }),
            Tensor(
                name: "first_codes", type: "I8", shape: [rows, width], data: small.map { UInt8(bitPattern: $0) }),
        ]
        let others = tensors()
        let wide = others.prefix { $0.name != "codes" }
        return sealed(
            container(metadata() + [("first_pass", "{\"of\":\(of)}  ")], wide + first + others.dropFirst(wide.count)))
    }
}

/// The search as FORMATS.md describes it, in plain loops over all rows.
private struct PlainSearch {
    let catalog: ProductCatalog
    let names: [String]

    init(_ catalog: ProductCatalog) throws {
        self.catalog = catalog
        names = catalog.categories
    }

    /// The hits, and whether a first pass chose any of them.
    func search(
        _ vector: [Float], _ k: Int, _ filter: CatalogFilter, _ without: Int?
    ) -> (hits: [PlainHit], passed: Bool) {
        var found: [(product: Int, row: Int, score: Double)] = []
        var passed = false
        for part in catalog.parts {
            let rows = (0..<part.tables.rows).filter { row in
                let product = Int(part.tables.owners[row])
                let price = part.tables.prices[product]
                return !part.isHidden(product) && part.firstProduct + product != without
                    && filter.categories?.contains(names[part.category(product)]) ?? true
                    && filter.lowest.map { price >= $0 } ?? true
            }
            var kept = rows
            if let products = promising(part, vector, k, rows) {
                kept = rows.filter { products.contains(Int(part.tables.owners[$0])) }
                passed = true
            }
            found += best(part, kept, vector).map {
                (part.firstProduct + $0.product, part.firstRow + $0.row, $0.score)
            }
        }
        return (ordered(found).prefix(k).map { PlainHit($0.product, $0.row, $0.score) }, passed)
    }

    private func promising(_ part: CatalogPart, _ vector: [Float], _ k: Int, _ rows: [Int]) -> Set<Int>? {
        guard let candidates = candidates(part, vector, k, rows) else { return nil }
        let products = ordered(best(part, candidates, vector)).map(\.product)
        return products.count < k ? nil : Set(products.prefix(k))
    }

    func candidates(_ part: CatalogPart, _ vector: [Float], _ k: Int, _ rows: [Int]) -> [Int]? {
        guard let first = part.tables.firstPass, k < 1000 else { return nil }
        let n = max(64 * k, (rows.count + first.of - 1) / first.of)
        if 16 * n > rows.count { return nil }
        let dim = vector.count
        let q16 = whole(vector).numbers
        let sums = (0..<first.width).map { axis in
            (0..<dim).reduce(0) { $0 + Int(first.axes[axis * dim + $1]) * q16[$1] }
        }
        let largest = sums.map(abs).max() ?? 0
        if largest == 0 { return nil }
        let p7 = sums.map { Int((Double($0) / (Double(largest) / 127)).rounded(.toNearestOrEven)) }
        let scored = rows.map { row in
            let sum = (0..<first.width).reduce(0) { $0 + Int(first.codes[row * first.width + $1]) * p7[$1] }
            return (product: 0, row: row, score: Double(first.scales[row]) * Double(sum))
        }
        return ordered(scored).prefix(n).map(\.row).sorted()
    }

    private func best(
        _ part: CatalogPart, _ rows: [Int], _ vector: [Float]
    ) -> [(product: Int, row: Int, score: Double)] {
        let (step, q16) = whole(vector)
        let dim = vector.count
        let constant = (0..<dim).reduce(0.0) { $0 + Double(part.tables.offset[$1]) * Double(vector[$1]) }
        var found: [Int: (product: Int, row: Int, score: Double)] = [:]
        for row in rows {
            let product = Int(part.tables.owners[row])
            let sum = (0..<dim).reduce(0) { $0 + Int(part.tables.codes[row * dim + $1]) * q16[$1] }
            let score = Double(part.tables.scales[row]) * step * Double(sum) + constant
            if found[product].map({ score > $0.score }) ?? true { found[product] = (product, row, score) }
        }
        return Array(found.values)
    }

    private func whole(_ vector: [Float]) -> (step: Double, numbers: [Int]) {
        let step = Double(vector.map(abs).max() ?? 0) / 16383
        return (step, vector.map { Int((Double($0) / step).rounded(.toNearestOrEven)) })
    }

    private func ordered(
        _ found: [(product: Int, row: Int, score: Double)]
    ) -> [(product: Int, row: Int, score: Double)] {
        found.sorted { $0.score == $1.score ? $0.row < $1.row : $0.score > $1.score }
    }
}
