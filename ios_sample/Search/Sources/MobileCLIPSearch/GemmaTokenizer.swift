/// The tokenizer of the family `gemma-bpe` (SigLIP 2): byte pair encoding over the whole text; what is no piece becomes its
/// bytes. A piece's rank is its id, so the asset holds no merges. ``Tokenizers/load(_:sha256:vocabulary:)`` makes it.
struct GemmaTokenizer: AssetTokenizer {
    private let name: String
    private let cleaning: CleaningSteps
    private let vocabulary: Vocabulary
    private let frame: IDFrame
    private let byteTokens: [Int]  // the token of each byte of a character that is no piece
    private let spaceMark: UInt32  // takes the place of a space

    var contextLength: Int { frame.contextLength }
    var tokenCount: Int { vocabulary.count }

    init(_ name: String, _ container: Container) throws {
        self.name = name
        vocabulary = try Vocabulary(container)
        let byteTokens = try container.column("byte_tokens", "U32", [256], of: UInt32.self)
        self.byteTokens = byteTokens[0..<byteTokens.count].map(Int.init)
        for token in self.byteTokens { try vocabulary.checkToken(token, "byte_tokens") }
        spaceMark = try container.character("space_mark")
        cleaning = try CleaningSteps(container)
        frame = try IDFrame(container, vocabulary)
    }

    func verify() throws { try reading(name) { try vocabulary.verify() } }

    func encode(_ text: String) throws -> [Int32] {
        let cleaned = try reading(name) { try cleaning.clean(text) }
        return frame.ids(tokens(utf8(cleaned.map { $0 == .ascii(" ") ? spaceMark : $0 })))
    }

    private func tokens(_ text: [UInt8]) -> [Int] {
        var tokens: [Int] = []
        var starts: [Int] = []  // of each token in `text`, and the end of the text
        var joins: [Bool] = []  // false for the token of a byte
        var start = 0
        while start < text.count {
            let end = min(start + utf8Width(text[start]), text.count)
            let piece = vocabulary.find(start..<end, in: text)
            let made = piece.map { [$0] } ?? text[start..<end].map { byteTokens[Int($0)] }
            tokens += made
            starts += start..<start + made.count
            joins += Array(repeating: piece != nil, count: made.count)
            start = end
        }
        starts.append(text.count)
        return joinedPairs(tokens) { left, right in
            guard joins[left.place], joins[right.place] else { return nil }
            return vocabulary.find(starts[left.place]..<starts[right.after], in: text)
        }
    }
}
