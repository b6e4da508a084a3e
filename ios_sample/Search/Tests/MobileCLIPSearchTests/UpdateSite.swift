import Foundation

@testable import MobileCLIPSearch

/// A site's files, and how they come.
struct UpdateSite: Sendable {
    var files: [String: Data]
    var block = 1000
    var knowsRanges = true
    /// So many bytes of a file come at once, then it ends.
    var most = Int.max

    struct NoFile: Error {}

    var fetch: UpdateFetch {
        { path, from in
            guard let file = files[path] else { throw NoFile() }
            let start = knowsRanges ? min(from, file.count) : 0
            let blocks = Blocks(file.dropFirst(start).prefix(most), block)
            return UpdateDownload(start: start) { await blocks.next() }
        }
    }

    private actor Blocks {
        private var rest: Data
        private let size: Int

        init(_ file: Data, _ size: Int) {
            (rest, self.size) = (file, size)
        }

        func next() -> Data? {
            let block = rest.prefix(size)
            rest = rest.dropFirst(size)
            return block.isEmpty ? nil : Data(block)
        }
    }

    /// With a statement that ``holdsByDigest(_:_:_:)`` takes.
    func publishing(_ statement: [String: Any], name: String = "shop") throws -> UpdateSite {
        let text = try JSONSerialization.data(withJSONObject: statement)
        var site = self
        site.files[name + ".update"] = Data(sha256([UpdateSite.key.der, text]).utf8) + text
        return site
    }

    /// For tests' own statements.
    static let key: UpdateKey = {
        let point = Data(count: 64)
        let head = "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE"
        guard let key = try? UpdateKey(head + point.base64EncodedString()) else { preconditionFailure("no key") }
        return key
    }()
}

/// All files of a folder, by their paths in it.
func filesIn(_ folder: URL) throws -> [String: Data] {
    try FileManager.default.subpathsOfDirectory(atPath: folder.path).reduce(into: [:]) { found, path in
        let file = folder.appendingPathComponent(path)
        if try file.resourceValues(forKeys: [.isRegularFileKey]).isRegularFile == true {
            found[path] = try Data(contentsOf: file)
        }
    }
}

/// A stand-in for a signature in tests that make statements: the hex digits of a digest over key and message.
@Sendable func holdsByDigest(_ key: Data, _ message: Data, _ signature: Data) -> Bool {
    signature == Data(sha256([key, message]).utf8)
}

/// A statement's entry of a file.
func published(_ path: String, _ file: Data, _ more: [String: Any] = [:]) -> [String: Any] {
    more.merging(["path": path, "sha256": sha256([file]), "bytes": file.count]) { $1 }
}

/// Lets changes to files fail from one of them on.
final class Faults: @unchecked Sendable {
    private let lock = NSLock()
    private let first: Int
    private let kinds: Set<String>?
    private var met = 0

    /// `kinds`: which changes count and fail; nil for all.
    init(from first: Int, of kinds: Set<String>? = nil) {
        (self.first, self.kinds) = (first, kinds)
    }

    var count: Int { lock.withLock { met } }

    var disk: Disk {
        Disk { [self] change in
            try lock.withLock {
                guard kinds?.contains(change) ?? true else { return }
                met += 1
                if met > first { throw CocoaError(.fileWriteOutOfSpace) }
            }
        }
    }
}

/// What was told.
final class Events: @unchecked Sendable {
    private let lock = NSLock()
    private var told: [UpdateEvent] = []

    var all: [UpdateEvent] { lock.withLock { told } }

    @Sendable func add(_ event: UpdateEvent) { lock.withLock { told.append(event) } }
}
