import Foundation
import Testing

@testable import MobileCLIPSearch

/// The package's folder in the repository.
private let package = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

private func folder(_ variable: String, else path: String) -> URL {
    ProcessInfo.processInfo.environment[variable].map { URL(fileURLWithPath: $0) }
        ?? package.appendingPathComponent(path).standardizedFileURL
}

/// The golden vectors: the folder that GOLDENS names, or this repository's. A file that is missing fails the test.
enum Goldens {
    static let folder = MobileCLIPSearchTests.folder("GOLDENS", else: "../../parity/goldens")

    /// With the folder that EXPECTED names: more of the same, made anew (tests/test_ios_search.py).
    static let folders =
        [folder] + [ProcessInfo.processInfo.environment["EXPECTED"]].compactMap { $0.map(URL.init(fileURLWithPath:)) }

    static func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func json(_ file: URL) throws -> [String: Json] {
        try Json.parse(Data(contentsOf: file), once: true).asObject(file.path)
    }
}

/// Artefacts of the demo model: the folder that DIST names, or this repository's dist/demo (`make export catalog`).
enum Dist {
    static let folder = MobileCLIPSearchTests.folder("DIST", else: "../../dist/demo")

    static func file(_ name: String) -> URL { folder.appendingPathComponent(name) }

    static func manifest() throws -> ModelManifest { try ModelManifest.load(file("manifest.json")) }

    static func tokenizer() throws -> any TextTokenizer {
        let asset = try manifest().tokenizer
        return try Tokenizers.load(file(asset.path), sha256: asset.sha256)
    }
}

extension [String: Json] {
    func objects(_ name: String) throws -> [[String: Json]] {
        try part(name).asArray(name).map { try $0.asObject(name) }
    }

    func text(_ name: String) throws -> String { try part(name).asText(name) }

    func int(_ name: String) throws -> Int { try part(name).asInt(name) }

    func bool(_ name: String) throws -> Bool { try part(name).asBool(name) }

    func double(_ name: String) throws -> Double { try part(name).asDouble(name) }

    func doubleOrNull(_ name: String) throws -> Double? {
        let value = try part(name)
        return value == .null ? nil : try value.asDouble(name)
    }

    /// float32, little-endian, base64.
    func vector(_ name: String) throws -> [Float] {
        let bytes = try #require(Data(base64Encoded: text(name)))
        let column = Column<Float>(bytes, 0..<bytes.count)
        return column[0..<column.count]
    }
}

/// A folder of a test's own, removed with it.
final class Folder: Sendable {
    let url = FileManager.default.temporaryDirectory.appendingPathComponent("search-\(UUID().uuidString)")

    init() throws {
        try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    }

    deinit {
        try? FileManager.default.removeItem(at: url)
    }

    /// A new file of these bytes; one of that name that is mapped stays as it is.
    func write(_ bytes: [UInt8], _ name: String = "made.catalog") throws -> URL {
        let file = url.appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(bytes).write(to: file, options: .atomic)
        return file
    }

    func open(_ bytes: [UInt8]) throws -> ProductCatalog { try ProductCatalog.open(write(bytes)) }
}

/// The package's error that `body` throws; nil for none or another.
func failure(_ body: () throws -> Void) -> SearchError? {
    do {
        try body()
        return nil
    } catch {
        return error as? SearchError
    }
}

/// Fails unless `read` throws an error on a file, one line that names `name` and says `says`.
func refused(
    _ name: String, _ says: String = "", sourceLocation: SourceLocation = #_sourceLocation, _ read: () throws -> Void
) {
    let error = failure(read)
    let text = error?.description ?? "no error of this package"
    let kinds: [ErrorKind] = [.missing, .damaged, .mismatched]
    guard let error, kinds.contains(ErrorKind(of: error)), isOneLine(text, naming: name),
        says.isEmpty || text.contains(says)
    else {
        Issue.record("\(text), expected one line on \(name) that says \(says)", sourceLocation: sourceLocation)
        return
    }
}

func isOneLine(_ text: String, naming name: String) -> Bool {
    text.hasPrefix(name) && !text.contains(where: \.isNewline) && text.count > name.count + 10
}

/// Random numbers that are the same in every run (SplitMix64).
struct Seeded: RandomNumberGenerator {
    var state: UInt64

    init(_ seed: UInt64) {
        state = seed
    }

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ mixed >> 30) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ mixed >> 27) &* 0x94D0_49BB_1331_11EB
        return mixed ^ mixed >> 31
    }

    mutating func below(_ bound: Int) -> Int { Int.random(in: 0..<bound, using: &self) }

    mutating func chance(_ outOf: Int) -> Bool { below(outOf) == 0 }
}
