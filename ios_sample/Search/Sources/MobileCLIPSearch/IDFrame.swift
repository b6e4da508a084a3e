/// From the tokens of a text to the row of ids that an encoder takes: start, tokens, end, padding on the right.
struct IDFrame: Sendable {
    private static let longest = 65_536
    private static let mostDigits = 9

    /// How many ids a row has.
    let contextLength: Int
    /// The token of what the vocabulary lacks.
    let unknownToken: Int
    private let startToken: Int?
    private let endToken: Int
    private let padToken: Int

    /// How many tokens of a text a row holds.
    var room: Int { contextLength - (startToken == nil ? 1 : 2) }

    /// Throws ``Malformed`` for an id that no token has, and for a row without room for a token.
    init(_ container: Container, _ vocabulary: Vocabulary) throws {
        func token(_ key: String) throws -> Int {
            let token = try Self.number(container, key)
            try vocabulary.checkToken(token, key)
            return token
        }
        startToken = try container.text("start_token").isEmpty ? nil : token("start_token")
        endToken = try token("end_token")
        padToken = try token("pad_token")
        unknownToken = try token("unknown_token")
        contextLength = try Self.number(container, "context_length")
        try wellFormed(
            room >= 1 && contextLength <= Self.longest,
            "context_length is \(contextLength), expected room for a token and at most \(Self.longest)")
    }

    /// ``contextLength`` ids. Too many tokens are cut; the end token stays.
    func ids(_ tokens: [Int]) -> [Int32] {
        let framed = (startToken.map { [$0] } ?? []) + tokens.prefix(room) + [endToken]
        return framed.map(Int32.init) + Array(repeating: Int32(padToken), count: contextLength - framed.count)
    }

    /// A whole number of the metadata. Throws ``Malformed`` for anything but ASCII digits.
    static func number(_ container: Container, _ key: String) throws -> Int {
        let written = try container.text(key)
        guard written.utf8.count <= mostDigits, written.unicodeScalars.allSatisfy(\.value.isASCIIDigit),
            let number = Int(written)
        else { throw Malformed("\(key) is \(shown(written)), no number") }
        return number
    }
}
