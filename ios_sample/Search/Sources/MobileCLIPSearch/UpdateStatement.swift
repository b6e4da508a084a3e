import Foundation

/// Whether a signature holds: ECDSA over P-256 with SHA-256. `key`: the 91 bytes of a DER SubjectPublicKeyInfo;
/// `signature`: r, then s, each of 32 bytes, big-endian. By CryptoKit it is `MobileCLIPUpdate`'s `holds`.
public typealias SignatureCheck = @Sendable (_ key: Data, _ message: Data, _ signature: Data) -> Bool

/// What a shop says is in force, signed (FORMATS.md, Updates).
public struct UpdateStatement: Sendable, Equatable {
    /// The largest file.
    static let mostBytes = signatureBytes + mostText
    private static let signatureBytes = 64
    private static let mostText = 65_536
    private static let mostDeltas = 100
    private static let mostFiles = 100
    private static let mostPath = 512
    private static let mostName = 64
    private static let marks = Array("._-".utf8)
    private static let mostNumber = 1 << 53 - 1

    /// The catalog's name: "shop", say.
    public let name: String
    /// Rises with every publication.
    public let number: Int
    /// 64 hex digits naming the embedding space.
    public let space: String
    /// The whole catalog's file.
    public let catalog: File
    /// The digest that stands in the catalog.
    public let digest: String
    /// What makes the catalog of older ones, by their digests.
    public let deltas: [String: File]
    /// The bundle that brings other encoders than an app's own; nil for none.
    public let manifest: Manifest?
    /// YYYY-MM-DD, UTC: the last day on which prices are to be trusted; nil for no such day.
    public let lastDay: String?

    /// A file of the site.
    public struct File: Sendable, Equatable {
        /// Relative to the statement's address.
        public let path: String
        /// 64 hex digits over its bytes.
        public let sha256: String
        /// Its size.
        public let bytes: Int
    }

    /// The `manifest.json` of a bundle, and what lies in its folder.
    public struct Manifest: Sendable, Equatable {
        /// The `manifest.json`.
        public let file: File
        /// All else that a device needs; none where it brings no encoders.
        public let files: [File]
    }

    /// Reads a signed statement; nothing of it is parsed before its signature holds by one of the `keys`.
    ///
    /// Throws ``UpdateError`` of the kind `refused`.
    public static func read(_ file: Data, keys: [UpdateKey], check: SignatureCheck) throws -> UpdateStatement {
        try refusing {
            try wellFormed(
                file.count >= signatureBytes + 2 && file.count <= mostBytes,
                "\(file.count) bytes, expected \(signatureBytes + 2) to \(mostBytes)")
            let (signature, message) = (Data(file.prefix(signatureBytes)), Data(file.dropFirst(signatureBytes)))
            try wellFormed(
                keys.contains { check($0.der, message, signature) }, "its signature is of none of the app's keys")
            return try UpdateStatement(Json.parse(message, once: true).asObject("the statement"))
        }
    }

    private static func refusing<T>(_ work: () throws -> T) throws -> T {
        do {
            return try work()
        } catch let error as Malformed {
            throw UpdateError(.refused, name: "the update's statement", problem: error.problem)
        }
    }
}

/// A public key that may sign: P-256.
public struct UpdateKey: Sendable {
    /// Of a SubjectPublicKeyInfo of this curve, before the point.
    private static let head = Data(base64Encoded: "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAE") ?? Data()
    private static let pointBytes = 64

    let der: Data

    /// `base64`: of the key's DER, as `make publish` prints it.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for anything else.
    public init(_ base64: String) throws {
        let bytes = Data(base64Encoded: base64) ?? Data()
        try require(
            bytes.count == Self.head.count + Self.pointBytes && bytes.starts(with: Self.head),
            "no public key of P-256: \(shown(base64)), expected base64 of \(Self.head.count + Self.pointBytes) bytes")
        der = bytes
    }
}

extension UpdateStatement {
    /// Throws ``Malformed``. Unknown keys are passed over.
    private init(_ members: [String: Json]) throws {
        let format = try members.part("format").asText("format")
        try wellFormed(format == "mobileclip-update", "unknown format: \(shown(format))")
        let version = try members.part("version").asInt("version")
        try wellFormed(version == 1, "unknown version: \(version)")
        name = try members.part("name").asText("name")
        try wellFormed(Self.isName(name), "name is \(shown(name))")
        number = try members.number("number")
        space = try members.digits("space")
        let catalog = try members.part("catalog").asObject("catalog")
        self.catalog = try File(catalog)
        digest = try catalog.digits("digest")
        let deltas = try members.part("deltas").asArray("deltas")
        try wellFormed(deltas.count <= Self.mostDeltas, "\(deltas.count) deltas, more than \(Self.mostDeltas)")
        self.deltas = try deltas.reduce(into: [:]) { found, delta in
            let members = try delta.asObject("a delta")
            let old = found.updateValue(try File(members), forKey: try members.digits("base"))
            try wellFormed(old == nil, "two deltas for one base")
        }
        manifest = try members.present("manifest").map { try Manifest($0.asObject("manifest"), most: Self.mostFiles) }
        lastDay = try members.present("not_after").map { try Self.day($0.asText("not_after")) }
    }

    /// Whether this may be the name of a catalog.
    static func isName(_ name: String) -> Bool {
        1...mostName ~= name.utf8.count && name.utf8.allSatisfy(isWord) && !marks.contains(name.utf8.first ?? 0)
    }

    /// Letters and digits of ASCII, and a few marks.
    private static func isWord(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: marks.contains(byte)
        }
    }

    /// Throws ``Malformed`` for what is no day.
    private static func day(_ written: String) throws -> String {
        let parts = written.split(separator: "-", omittingEmptySubsequences: false)
        let numbers = parts.compactMap { $0.utf8.allSatisfy(isDigit) ? Int($0) : nil }
        guard parts.map(\.utf8.count) == [4, 2, 2], numbers.count == parts.count, numbers[0] > 0,
            1...12 ~= numbers[1], 1...days(numbers[0], numbers[1]) ~= numbers[2]
        else { throw Malformed("not_after is \(shown(written)), no date") }
        return written
    }

    private static func days(_ year: Int, _ month: Int) -> Int {
        let isLeap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
        return [31, isLeap ? 29 : 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31][month - 1]
    }

    /// Whether the last day for its prices is over.
    func isExpired(_ now: Date) -> Bool {
        guard let lastDay else { return false }
        var calendar = Calendar(identifier: .gregorian)
        calendar.timeZone = .gmt
        let today = calendar.dateComponents([.year, .month, .day], from: now)
        let parts = lastDay.split(separator: "-").compactMap { Int($0) }
        return parts.lexicographicallyPrecedes([today.year ?? 0, today.month ?? 0, today.day ?? 0])
    }

    fileprivate static func isPath(_ path: String) -> Bool {
        let parts = path.split(separator: "/", omittingEmptySubsequences: false)
        return path.utf8.count <= mostPath
            && parts.allSatisfy { !$0.isEmpty && $0 != "." && $0 != ".." && $0.utf8.allSatisfy(isWord) }
    }

    fileprivate static func isCount(_ number: Int) -> Bool { 1...mostNumber ~= number }
}

extension UpdateStatement.File {
    /// Throws ``Malformed``.
    fileprivate init(_ members: [String: Json]) throws {
        path = try members.part("path").asText("path")
        try wellFormed(UpdateStatement.isPath(path), "path is \(shown(path))")
        sha256 = try members.digits("sha256")
        bytes = try members.number("bytes")
    }
}

extension UpdateStatement.Manifest {
    /// Throws ``Malformed``.
    fileprivate init(_ members: [String: Json], most: Int) throws {
        file = try UpdateStatement.File(members)
        guard let listed = try members.present("files")?.asArray("files") else {
            files = []
            return
        }
        try wellFormed(1...most ~= listed.count, "\(listed.count) files of a bundle, expected 1 to \(most)")
        files = try listed.map { try UpdateStatement.File($0.asObject("a file")) }
        try wellFormed(Set(files.map(\.path) + [file.path]).count == files.count + 1, "a bundle's file twice")
        try wellFormed(
            files.allSatisfy { $0.path.hasPrefix(folder) }, "a bundle's file outside its manifest's folder")
    }

    /// With a / at its end; empty at the top.
    private var folder: String {
        file.path.lastIndex(of: "/").map { String(file.path[...$0]) } ?? ""
    }

    /// Each file with its path in the bundle's folder, the `manifest.json` first.
    var all: [(path: String, file: UpdateStatement.File)] {
        [(ModelManifest.file, file)] + files.map { (String($0.path.dropFirst(folder.count)), $0) }
    }
}

extension [String: Json] {
    fileprivate func number(_ name: String) throws -> Int {
        let number = try part(name).asInt(name)
        try wellFormed(UpdateStatement.isCount(number), "\(name) is \(number)")
        return number
    }

    fileprivate func digits(_ name: String) throws -> String {
        let digits = try part(name).asText(name)
        try wellFormed(isDigest(digits.utf8), "\(name) is \(shown(digits)), not 64 hex digits")
        return digits
    }

    /// The value of a key that may be missing or null.
    fileprivate func present(_ name: String) -> Json? { self[name] == .null ? nil : self[name] }
}
