import Foundation

/// SHA-256 over the whole file, its own 64 digits read as ASCII zeros. Throws ``Malformed`` where they do not stand once.
struct CatalogDigest: Sendable {
    private static let key = Data("\"sha256\":\"".utf8)

    private let file: Data
    let expected: String
    private let digits: Range<Int>

    init(_ file: Data, expected: String, header: Range<Int>) throws {
        let key = Self.key
        guard let first = file.range(of: key, in: header),
            file.range(of: key, in: first.upperBound..<header.upperBound) == nil
        else { throw Malformed("\(String(decoding: key, as: UTF8.self)) does not stand once in the header") }
        digits = first.upperBound..<first.upperBound + digestDigits
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
