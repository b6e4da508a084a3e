/// The image and the text encoder of one model, whatever runs them.
public protocol EmbeddingEncoder: Sendable {
    /// 64 hex digits naming the embedding space.
    var space: String { get }

    /// The width of an embedding.
    var dim: Int { get }

    /// The embedding, ``dim`` numbers, of a text's ids (``TextTokenizer/encode(_:)``).
    func text(_ ids: [Int32]) async throws -> [Float]

    /// The embedding of an image's square: RGB8, row by row (``ImagePreprocessor/square(_:)``).
    func image(_ square: [UInt8]) async throws -> [Float]
}
