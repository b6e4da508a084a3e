import Foundation
import Testing

@testable import MobileCLIPSearch

struct LookupTests {
    @Test func goldenIDsAreFoundWhereTheGoldensSay() throws {
        let index = try Goldens.json(Goldens.file("ids/index.json"))
        for golden in try index.objects("catalogs") {
            let catalog = try ProductCatalog.open(Goldens.file("ids/" + golden.text("catalog")))
            for one in try golden.objects("places") {
                let place = try one.part("place") == .null ? nil : one.int("place")
                let id = try one.text("id")
                #expect(try catalog.place(id: id) == place, "\(catalog.name) \(id)")
            }
        }
        let damaged = try index.part("damaged").asArray("damaged").map { try $0.asText("a file") }
        #expect(!damaged.isEmpty)
        for name in damaged {
            let file = Goldens.file("ids/" + name)
            #expect(FileManager.default.fileExists(atPath: file.path))
            refused(file.path) { _ = try ProductCatalog.open(file) }
        }
    }

    @Test func everyProductOfTheSampleShopIsFoundByItsID() throws {
        let catalog = try ProductCatalog.open(Dist.file("products.catalog"))
        for place in 0..<catalog.count { #expect(try catalog.place(id: catalog.product(place).id) == place) }
    }

    @Test func anIDOrderOfAnotherTypeOrShapeOrThatIsNoPermutationIsRefused() throws {
        let folder = try Folder()
        let made = MadeCatalog(seed: 1, rows: 12, dim: 8)
        func order(_ places: [Int], type: String = "U32") -> [UInt8] {
            let data = places.flatMap { little(UInt32($0)) }
            let shape = type == "U8" ? data.count : places.count
            let tensor = MadeCatalog.Tensor(name: "id_order", type: type, shape: [shape], data: data)
            let tensors = made.tensors()
            let at = tensors.firstIndex { $0.name == "codes" } ?? tensors.count
            return sealed(container(made.metadata(), Array(tensors[..<at]) + [tensor] + tensors[at...]))
        }
        let places = Array(0..<made.products)
        #expect(try folder.open(order(places)).place(id: "p0") == 0)
        for bad in [places + [0], Array(places.dropLast()), places.map { _ in 0 }, places.map { $0 + 1 }] {
            let file = try folder.write(order(bad), "bad.catalog")
            refused(file.path, "id_order") { _ = try ProductCatalog.open(file) }
        }
        let file = try folder.write(order(places, type: "U8"), "bad.catalog")
        refused(file.path, "id_order") { _ = try ProductCatalog.open(file) }
    }

    @Test func manyTasksLookUpInAnOlderFileAtOnce() async throws {
        let folder = try Folder()
        let catalog = try folder.open(MadeCatalog(seed: 4, rows: 3000, dim: 2).bytes())
        let wrong = try await withThrowingTaskGroup(of: Int.self) { group in
            for task in 0..<8 {
                group.addTask {
                    try (0..<200).filter { try catalog.place(id: "p\(task + $0)") != task + $0 }.count
                }
            }
            return try await group.reduce(0, +)
        }
        #expect(wrong == 0)
        #expect(try catalog.place(id: "p") == nil)
    }

    @Test(arguments: [("labels.json", ModelManifest.LabelShares.softmax), ("labels-sigmoid.json", .sigmoid)])
    func goldenLabelsHaveTheGoldenProbabilities(_ name: String, _ shares: ModelManifest.LabelShares) throws {
        let cases = try Goldens.json(Goldens.file(name)).objects("cases")
        #expect(!cases.isEmpty)
        for golden in cases {
            let labels = try golden.objects("labels")
            let vectors = try labels.map { label in
                try Labels.vector(label.part("vectors").asArray("").map { try ["": $0].vector("") })
            }
            let found = try Labels.scores(
                labels.map { try $0.text("name") }, vectors, image: golden.vector("image"),
                logitScale: golden.double("logit_scale"), by: shares,
                bias: shares == .sigmoid ? golden.doubleOrNull("logit_bias") ?? 0 : 0)
            let expected = try golden.objects("probabilities")
            #expect(try found.map(\.name) == expected.map { try $0.text("name") })
            for (one, other) in zip(found, expected) {
                #expect(try abs(one.probability - other.double("probability")) <= 1e-9)
            }
        }
    }

    @Test func pricesInUnitsAreDrawnInwards() {
        let filter = CatalogFilter(lowestPrice: Decimal(string: "1.23451"), highestPrice: Decimal(string: "1.23459"))
        #expect(filter == CatalogFilter(lowest: 12346, highest: 12345))
        #expect(CatalogFilter(lowestPrice: nil, highestPrice: 2) == CatalogFilter(highest: 20_000))
        let huge = Decimal(string: "1e30")
        #expect(CatalogFilter(lowestPrice: huge, highestPrice: huge) == CatalogFilter(lowest: .max, highest: .max))
    }

    @Test func errorsHaveAKindForAnAppsOwnWords() {
        let kinds: [(SearchError, ErrorKind)] = [
            (.missingFile(name: "a", problem: "b"), .missing), (.badFile(name: "a", problem: "b"), .damaged),
            (.mismatch(name: "a", problem: "b"), .mismatched), (.badPicture("a"), .picture),
            (.outOfMemory("a"), .memory), (.badRequest("a"), .other),
            (.encoderFailed(name: "a", problem: "b"), .other),
        ]
        for (error, kind) in kinds { #expect(ErrorKind(of: error) == kind) }
        #expect(ErrorKind(of: CancellationError()) == .other)
    }
}
