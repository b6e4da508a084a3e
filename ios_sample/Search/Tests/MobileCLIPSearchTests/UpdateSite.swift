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

/// A stand-in for a signature in tests that make statements: the hex digits of a digest over key and message.
@Sendable func holdsByDigest(_ key: Data, _ message: Data, _ signature: Data) -> Bool {
    signature == Data(sha256([key, message]).utf8)
}

/// A statement's entry of a file.
func published(_ path: String, _ file: Data, _ more: [String: Any] = [:]) -> [String: Any] {
    more.merging(["path": path, "sha256": sha256([file]), "bytes": file.count]) { $1 }
}
