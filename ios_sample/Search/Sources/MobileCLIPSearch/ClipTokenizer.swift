/// The tokenizer of the family `clip-bpe`, CLIP's, from `tokenizer.safetensors` alone: ids equal to open_clip's, whatever
/// the system's Unicode version. ``Tokenizers/load(_:sha256:vocabulary:)`` makes it.
///
/// Holds nothing that changes: any number of tasks may share it. A text of n nested `&amp;amp;...` takes n rounds: bound
/// what a user can paste.
public struct ClipTokenizer: TextTokenizer, AssetTokenizer {
    private static let mostTokens = 65_536

    /// How many ids a text has.
    public let contextLength: Int
    /// How many tokens the asset knows.
    var tokenCount: Int { max(pairs.count, startToken + 1, endToken + 1, padToken + 1) }
    private let name: String
    private let tables: TextTables
    private let clean: TextClean
    private let pairs: BytePairs
    private let startToken: Int
    private let endToken: Int
    private let padToken: Int
    private let special: [CodePoints: Int]
    private let literals: [CodePoints]

    /// Throws ``Malformed``.
    init(_ name: String, _ container: Container) throws {
        self.name = name
        tables = try TextTables(AssetTensors(container: container))
        clean = TextClean(tables)
        let merges = try container.column("merges", "U16", [Container.any, 2], of: UInt16.self)
        let byteIDs = try container.column("byte_ids", "U16", [256], of: UInt16.self)
        pairs = try BytePairs(merges: merges[0..<merges.count], byteIDs: byteIDs[0..<byteIDs.count])
        contextLength = try Self.number(container, "context_length")
        try wellFormed(contextLength >= 2, "a context of \(contextLength) tokens")
        startToken = try Self.number(container, "start_token")
        endToken = try Self.number(container, "end_token")
        padToken = try Self.number(container, "pad_token")
        let start = try CodePoints(container.text("start_text"))
        let end = try CodePoints(container.text("end_text"))
        let contractions = try container.text("contractions").split(separator: " ").map { CodePoints(String($0)) }
        special = [start: startToken].merging([end: endToken]) { $1 }
        literals = ([start, end] + contractions).filter { !$0.isEmpty }
    }

    /// As ``TextTokenizer/encode(_:)``.
    public func encode(_ text: String) throws -> [Int32] {
        let cleaned = try reading(name) { try clean.clean(CodePoints(text)) }
        var ids = [startToken]
        var position = 0
        while position < cleaned.count, ids.count < contextLength - 1 {
            let end = wordEnd(cleaned, position)
            if end > position { ids += tokens(cleaned[position..<end]) }
            position = max(end, position + 1)  // what no rule takes is passed over
        }
        ids = ids.prefix(contextLength - 1) + [endToken]
        ids += Array(repeating: padToken, count: contextLength - ids.count)
        return ids.map(Int32.init)
    }

    private func tokens(_ word: ArraySlice<UInt32>) -> [Int] {
        if let token = special[Array(word)] { return [token] }
        return pairs.tokens(utf8(word))
    }

    /// Where the word ends that the first rule that takes anything makes; `start` if there is none.
    private func wordEnd(_ text: CodePoints, _ start: Int) -> Int {
        for literal in literals where stands(literal, in: text, at: start) { return start + literal.count }
        if tables.letters.contains(text[start]) { return runEnd(text, start, tables.letters.contains) }
        if tables.numbers.contains(text[start]) { return start + 1 }  // each digit is a word
        return runEnd(text, start) { point in
            !tables.letters.contains(point) && !tables.numbers.contains(point) && !tables.separators.contains(point)
        }
    }

    private func stands(_ literal: CodePoints, in text: CodePoints, at start: Int) -> Bool {
        text.count - start >= literal.count
            && literal.indices.allSatisfy { tables.ignoringCase(text[start + $0]) == literal[$0] }
    }

    private func runEnd(_ text: CodePoints, _ start: Int, _ belongs: (UInt32) -> Bool) -> Int {
        text[start...].firstIndex { !belongs($0) } ?? text.count
    }

    private static func number(_ container: Container, _ key: String) throws -> Int {
        let written = try container.text(key)
        guard let number = Int(written), (0..<mostTokens).contains(number) else {
            throw Malformed("\(key) is \(shown(written))")
        }
        return number
    }
}
