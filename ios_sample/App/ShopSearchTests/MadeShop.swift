import Foundation
import MobileCLIPSearch
import Testing

@testable import ShopSearch

/// The repository's folder, seen from this file: a simulator can read it too.
private let repository = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

private func folder(_ variable: String, else path: String) -> URL {
    ProcessInfo.processInfo.environment[variable].map { URL(fileURLWithPath: $0) }
        ?? repository.appendingPathComponent(path)
}

/// A shop over a golden catalog, with the demo model's tokenizer (`make export`), in a folder of its own.
final class MadeShop: Sendable {
    let folder = FileManager.default.temporaryDirectory.appendingPathComponent("shop-\(UUID().uuidString)")

    init(catalog: String = "shop.catalog") throws {
        let dist = ShopSearchTests.folder("DIST", else: "dist/demo")
        let goldens = ShopSearchTests.folder("GOLDENS", else: "parity/goldens")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(
            at: goldens.appendingPathComponent("search").appendingPathComponent(catalog), to: file("shop.catalog"))
        try FileManager.default.copyItem(
            at: dist.appendingPathComponent("tokenizer.safetensors"), to: file("tokenizer.safetensors"))
        let space = try ProductCatalog.open(file("shop.catalog")).space
        let manifest = dist.appendingPathComponent("manifest.json")
        let own = try ModelManifest.load(manifest).space
        try String(contentsOf: manifest, encoding: .utf8).replacingOccurrences(of: own, with: space)
            .write(to: file("manifest.json"), atomically: true, encoding: .utf8)
    }

    deinit {
        try? FileManager.default.removeItem(at: folder)
    }

    func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    /// Gives the catalog a second category, "vegetables", of no product.
    func addCategory() throws {
        var bytes = try Data(contentsOf: file("shop.catalog"))
        let name = try #require(bytes.range(of: Data("Fruit and vegetables".utf8)))
        bytes.replaceSubrange(name, with: Data(#"Fruit\",\"vegetables"#.utf8))  // as long, so that nothing else moves
        try bytes.write(to: file("shop.catalog"))
    }

    /// `loudness`: the length of the encoder's answers, and with it the confidence of what they find.
    @MainActor func keeper(loudness: Float = 1000, gate: Gate = Gate(isOpen: true)) -> ShopKeeper {
        ShopKeeper { [folder] tell in
            try Shop.open(folder) { Fake($0, loudness: loudness, gate: gate, tell: tell) }
        }
    }
}

/// An encoder that is loaded once its gate is open, and whose answers are made from the sum of what it is given.
actor Fake: ReleasableEncoder {
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

    func text(_ ids: [Int32]) async -> [Float] { await embedding(ids.reduce(0) { $0 + Int($1) }) }

    func image(_ square: [UInt8]) async -> [Float] { await embedding(square.reduce(0) { $0 + Int($1) }) }

    func release() { isLoaded = false }

    private func embedding(_ sum: Int) async -> [Float] {
        if !isLoaded {
            tell(true)
            await gate.pass()
            tell(false)
            isLoaded = true
        }
        let direction = (0..<dim).map { Float(cos(Double(sum % 1000 + 1) * Double($0 + 1))) }
        let length = direction.reduce(0) { $0 + $1 * $1 }.squareRoot()
        return direction.map { loudness * $0 / length }
    }
}

/// Lets nobody pass before it is open.
actor Gate {
    private var isOpen: Bool
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
