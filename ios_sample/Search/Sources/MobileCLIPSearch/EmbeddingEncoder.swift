/// One of a model's two encoders.
public enum EncoderPart: Sendable, CaseIterable {
    /// Of texts' ids.
    case text
    /// Of images' squares.
    case image
}

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

    /// Loads one of the two ahead of its first use. An encoder that has nothing to load leaves this out.
    func prepare(_ part: EncoderPart) async throws

    /// Gives the memory of both back; their next use takes it again. An encoder that has none to give leaves this out.
    func release() async
}

extension EmbeddingEncoder {
    /// Does nothing.
    public func prepare(_ part: EncoderPart) async throws {}

    /// Does nothing.
    public func release() async {}
}
