/// What turns a text into the ids that a text encoder takes (``Tokenizers/load(_:sha256:vocabulary:)``). Any number of tasks
/// may share one.
public protocol TextTokenizer: Sendable {
    /// How many ids a text has.
    var contextLength: Int { get }

    /// Ids of `text`, ``contextLength`` of them: its tokens, the special ones of the family, padding. A text too long is
    /// cut; the end token stays.
    ///
    /// Throws ``SearchError/badFile(name:problem:)`` if the asset is damaged so that a text would never be done (the digest
    /// that ``Tokenizers/load(_:sha256:vocabulary:)`` checks excludes it).
    func encode(_ text: String) throws -> [Int32]

    /// The checks that read the whole vocabulary: once after an install or a download, where no digest was checked. Not on
    /// the main actor: it takes some hundredths of a second. A tokenizer that checks all on opening leaves this out.
    ///
    /// Throws ``SearchError/badFile(name:problem:)``. Without the check, a damaged vocabulary gives wrong ids, and nothing
    /// worse.
    func verify() throws
}

extension TextTokenizer {
    /// Does nothing.
    public func verify() throws {}
}
