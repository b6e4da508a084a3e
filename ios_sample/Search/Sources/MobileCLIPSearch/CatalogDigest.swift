import Foundation

/// SHA-256 over the whole file, its own 64 digits read as ASCII zeros. Throws ``Malformed`` where they do not stand once.
struct CatalogDigest: Sendable {
    private static let key = Data("\"sha256\":\"".utf8)

    private let file: Data
    let expected: String
    private let digits: Range<Int>

    init(_ file: Data, expected: String, header: Range<Int>) throws {
        let key = Self.key
        let text = Data([UInt8](file[header]))  // of its own: on Linux a search in a part of Data copies the whole
        guard let first = text.range(of: key), text.range(of: key, in: first.upperBound..<text.count) == nil else {
            throw Malformed("\(String(decoding: key, as: UTF8.self)) does not stand once in the header")
        }
        let start = header.lowerBound + first.upperBound
        digits = start..<start + digestDigits
        try wellFormed(
            digits.upperBound < header.upperBound && isDigest(file[digits])
                && file[digits.upperBound] == UInt8(ascii: "\""),
            "\(String(decoding: key, as: UTF8.self)) is not followed by 64 hex digits")
        self.file = file
        self.expected = expected
    }

    func check() throws {
        let zeros = Data(repeating: UInt8(ascii: "0"), count: digestDigits)
        let found = sha256([file[..<digits.lowerBound], zeros, file[digits.upperBound...]])
        try wellFormed(
            found == expected, "the file is damaged: its digest is \(found), and \(expected) stands in it")
    }
}
