import Foundation

/// The folder of a catalog's updates: the statement in force as it was fetched, its catalog, its bundle's folder, the highest
/// number that was ever in force, and downloads that are not whole.
struct UpdateFolder: Sendable {
    static let statementSuffix = ".update"
    static let catalogSuffix = ".catalog"
    static let partSuffix = ".part"
    private static let bundleSuffix = ".bundle"
    private static let partialSuffix = ".partial"  // of Disk

    let url: URL
    let statement: URL
    let highest: URL
    let givenUp: URL
    let disk: Disk

    init(_ url: URL, name: String, highest: URL?, disk: Disk) {
        self.url = url
        self.disk = disk
        statement = url.appendingPathComponent(name + Self.statementSuffix)
        givenUp = url.appendingPathComponent("given-up")
        self.highest = highest ?? url.appendingPathComponent("highest")
    }

    func catalog(_ digest: String) -> URL { url.appendingPathComponent(digest + Self.catalogSuffix) }

    /// Of the bundle whose `manifest.json` has this digest.
    func bundle(_ sha256: String) -> URL {
        url.appendingPathComponent(sha256 + Self.bundleSuffix, isDirectory: true)
    }

    /// The same while it is fetched.
    func bundlePart(_ sha256: String) -> URL { part(sha256 + Self.bundleSuffix) }

    func part(_ sha256: String) -> URL { url.appendingPathComponent(sha256 + Self.partSuffix) }

    /// The statement's bytes; nil where there is none.
    func readStatement() -> Data? { try? Data(contentsOf: statement) }

    /// 0 where nothing was in force yet, or the file is damaged.
    func readHighest() -> Int {
        guard let bytes = try? Data(contentsOf: highest), bytes.allSatisfy(isDigit) else { return 0 }
        return Int(String(decoding: bytes, as: UTF8.self)) ?? 0
    }

    /// The digest of a bundle's `manifest.json` whose encoders did not load here; nil where none was given up.
    func readGivenUp() -> String? { (try? Data(contentsOf: givenUp)).map { String(decoding: $0, as: UTF8.self) } }

    /// Gives up the bundle that lies here.
    func giveUp(_ bundle: URL) throws {
        try write(Data(bundle.lastPathComponent.dropLast(Self.bundleSuffix.count).utf8), to: givenUp)
    }

    func write(highest number: Int) throws {
        try disk.make(highest.deletingLastPathComponent())
        try write(Data(String(number).utf8), to: highest)
    }

    func write(_ bytes: Data, to file: URL) throws { try disk.write(file) { give in try give(bytes) } }

    /// Removes all catalogs, bundles and downloads but these, and what a kill left half written. What cannot be removed stays.
    func removeOthers(but kept: [URL]) {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        let kept = Set(kept.map(\.lastPathComponent))
        for name in names where Self.isOwn(name) && !kept.contains(name) {
            try? disk.remove(url.appendingPathComponent(name))
        }
    }

    /// What downloads left.
    func parts() -> [URL] {
        let names = (try? FileManager.default.contentsOfDirectory(atPath: url.path)) ?? []
        return names.filter { $0.hasSuffix(Self.partSuffix) }.map { url.appendingPathComponent($0) }
    }

    private static func isOwn(_ name: String) -> Bool {
        [catalogSuffix, partSuffix, bundleSuffix, bundleSuffix + partSuffix].contains {
            name.hasSuffix($0) && isDigest(name.utf8.dropLast($0.utf8.count))
        }
            || name.hasSuffix(partialSuffix)
    }
}
