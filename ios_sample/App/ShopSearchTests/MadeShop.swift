import Foundation
import MobileCLIPSearch
import MobileCLIPShop
import Testing

/// `parity/goldens`: in the test bundle, so on a device too; elsewhere where GOLDENS says.
let goldens = folder("GOLDENS", else: Bundle(for: MadeShop.self).bundleURL.appendingPathComponent("goldens"))

private func folder(_ variable: String, else folder: URL) -> URL {
    ProcessInfo.processInfo.environment[variable].map { URL(fileURLWithPath: $0) } ?? folder
}

/// A shop over a golden catalog, with the app's own tokenizer (of DIST elsewhere), in a folder of its own.
final class MadeShop: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shop-\(UUID().uuidString)")

    init(catalog: String = "shop.catalog", of part: String = "search") throws {
        let dist = ShopSearchTests.folder("DIST", else: Bundle.main.bundleURL)
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: goldens.appendingPathComponent(part).appendingPathComponent(catalog), to: file("shop.catalog"))
        try FileManager.default.copyItem(
            at: dist.appendingPathComponent("tokenizer.safetensors"), to: file("tokenizer.safetensors"))
        let manifest = try Data(contentsOf: dist.appendingPathComponent("manifest.json"))
        var members = try #require(JSONSerialization.jsonObject(with: manifest) as? [String: Any])
        members["space"] = try ProductCatalog.open(file("shop.catalog")).space
        members["embedding"] = ["dim": try ProductCatalog.open(file("shop.catalog")).dim]
        members["catalog"] = nil
        try JSONSerialization.data(withJSONObject: members).write(to: file("manifest.json"))
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// One whose encoder answers nothing.
    func brokenShop() throws -> Shop {
        try Shop(
            folder, own: file("own"), pictures: file("pictures"), decode: decodedFake,
            encoder: { Broken(space: $0.space, dim: $0.dim) })
    }

    /// The names of the pictures' files that are kept.
    func pictures() throws -> [String] {
        let folder = file("pictures").path
        guard FileManager.default.fileExists(atPath: folder) else { return [] }
        return try FileManager.default.contentsOfDirectory(atPath: folder)
    }

    /// The writing systems that the model knows.
    func setScripts(_ scripts: [String]) throws {
        let manifest = try Data(contentsOf: file("manifest.json"))
        var members = try #require(JSONSerialization.jsonObject(with: manifest) as? [String: Any])
        var text = try #require(members["text"] as? [String: Any])
        text["scripts"] = scripts
        members["text"] = text
        try JSONSerialization.data(withJSONObject: members).write(to: file("manifest.json"))
    }

    /// Gives the catalog a second category, "vegetables", of no product.
    func addCategory() throws {
        var bytes = try Data(contentsOf: file("shop.catalog"))
        let name = try #require(bytes.range(of: Data("Fruit and vegetables".utf8)))
        bytes.replaceSubrange(name, with: Data(#"Fruit\",\"vegetables"#.utf8))  // as long, so that nothing else moves
        try bytes.write(to: file("shop.catalog"))
    }

    /// `loudness`: the length of the encoder's answers, and with it the confidence of what they find. `encoder` is told of
    /// each that is made. `bundle`: makes those that come with an update.
    @MainActor func keeper(
        loudness: Float = 1000, gate: Gate = Gate(isOpen: true), encoder: @escaping @Sendable (Fake) -> Void = { _ in },
        updates: @escaping @Sendable (ProductCatalog) throws -> CatalogUpdates? = { _ in nil },
        bundle: @escaping @Sendable (URL, ModelManifest) throws -> any EmbeddingEncoder = { _, manifest in
            Broken(space: manifest.space, dim: manifest.dim)
        }
    ) -> ShopKeeper {
        ShopKeeper { [folder] tell in
            try Shop(
                folder, own: folder.appendingPathComponent("own"),
                pictures: folder.appendingPathComponent("pictures"), decode: decodedFake,
                onSearched: { tell(.searched($0)) }, updates: updates, bundle: bundle,
                encoder: {
                    let fake = Fake($0, loudness: loudness, gate: gate) { tell(.preparing($0)) }
                    encoder(fake)
                    return fake
                })
        }
    }
}

/// Answers nothing, and says so before it is asked where it is unloadable.
struct Broken: EmbeddingEncoder {
    let space: String
    let dim: Int
    var isUnloadable = false

    func prepare(_ part: EncoderPart) async throws {
        if isUnloadable { throw SearchError.badFile(name: "text.mlpackage", problem: "Core ML cannot load it") }
    }

    func text(_ ids: [Int32]) async throws -> [Float] { throw SearchError.outOfMemory("no memory") }

    func image(_ square: [UInt8]) async throws -> [Float] { throw SearchError.outOfMemory("no memory") }
}

/// A picture's file that ``decodedFake(_:_:_:)`` can read.
let pictureFile = Data([0xFF, 0xD8, 0xFF, 90])

/// Another picture for each file and each region.
@Sendable func decodedFake(_ file: Data, _ preprocessor: ImagePreprocessor, _ region: PictureRegion?) throws -> RGBImage
{
    guard file.starts(with: [0xFF, 0xD8, 0xFF]), let last = file.last else {
        throw SearchError.badPicture("no picture")
    }
    let grey = last &+ UInt8(100 * (region?.left ?? 0))
    return try RGBImage(bytes: [UInt8](repeating: grey, count: 3 * 40 * 30), width: 40, height: 30)
}

/// An encoder that is loaded once its gate is open, and whose answers are made from the sum of what it is given.
actor Fake: EmbeddingEncoder {
    nonisolated let space: String
    nonisolated let dim: Int
    private let loudness: Float
    private let gate: Gate
    private let tell: @Sendable (Bool) -> Void
    private(set) var isLoaded = false

    init(_ manifest: ModelManifest, loudness: Float, gate: Gate, tell: @escaping @Sendable (Bool) -> Void) {
        space = manifest.space
        dim = manifest.dim
        self.loudness = loudness
        self.gate = gate
        self.tell = tell
    }

    func text(_ ids: [Int32]) async throws -> [Float] { try await embedding(ids.reduce(0) { $0 + Int($1) }) }

    func image(_ square: [UInt8]) async throws -> [Float] { try await embedding(square.reduce(0) { $0 + Int($1) }) }

    func prepare(_ part: EncoderPart) async throws {
        if isLoaded { return }
        tell(true)
        await gate.pass()
        tell(false)
        isLoaded = true
    }

    func release() { isLoaded = false }

    private func embedding(_ sum: Int) async throws -> [Float] {
        try await prepare(.text)
        let direction = (0..<dim).map { Float(cos(Double(sum % 1000 + 1) * Double($0 + 1))) }
        let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return direction.map { loudness * $0 / length }
    }
}

/// Lets nobody pass before it is open.
actor Gate {
    private(set) var isOpen: Bool
    private var waiting: [CheckedContinuation<Void, Never>] = []

    init(isOpen: Bool = false) {
        self.isOpen = isOpen
    }

    func open() {
        isOpen = true
        waiting.forEach { $0.resume() }
        waiting = []
    }

    func pass() async {
        if !isOpen { await withCheckedContinuation { waiting.append($0) } }
    }
}

extension SearchModel {
    func answered() async throws -> SearchState { try await reaches { ![.preparing, .searching].contains($0) } }

    /// The first state that fits; fails where none comes in ten seconds.
    func reaches(_ fits: (SearchState) -> Bool) async throws -> SearchState {
        for _ in 0..<10_000 {
            if fits(state) { return state }
            try await Task.sleep(for: .milliseconds(1))
        }
        Issue.record("still \(state)")
        return state
    }

    /// The cards above the heading, and those below it.
    func parts() async throws -> (certain: [ShopCard], doubtful: [ShopCard]) {
        guard case .found(let cards, let doubtful, _) = try await answered() else {
            Issue.record("\(state), expected cards")
            return ([], [])
        }
        return (cards, doubtful)
    }

    func cards() async throws -> [ShopCard] {
        let (certain, doubtful) = try await parts()
        return certain + doubtful
    }
}

extension Shop {
    /// What the searcher itself finds, by the products' ids.
    func ids(_ request: SearchRequest) async throws -> [String] {
        try await searcher.search(request).map { try catalog.product($0.product).id }
    }

    func id(_ place: Int) throws -> String { try catalog.product(place).id }
}
