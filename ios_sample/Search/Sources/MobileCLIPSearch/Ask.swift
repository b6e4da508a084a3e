import Foundation

/// A picture: red, green and blue of each pixel, row by row, upright sRGB.
public struct Rgb: Sendable, Identifiable {
    /// Pixels of the largest picture.
    public static let mostPixels = 1 << 27

    /// Another one for each that is made: what ``Searcher`` remembers a picture by.
    public let id = UUID()
    public let bytes: [UInt8]
    public let width: Int
    public let height: Int

    /// Throws ``SearchError/badRequest(_:)`` where `bytes` has another length, or there are no or over 2^27 pixels.
    public init(bytes: [UInt8], width: Int, height: Int) throws {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        try require(
            width > 0 && height > 0 && !overflow && pixels <= Self.mostPixels && bytes.count == 3 * pixels,
            "\(bytes.count) bytes for a picture of \(width) x \(height), expected 3 a pixel and at most "
                + "\(Self.mostPixels) pixels")
        self.bytes = bytes
        self.width = width
        self.height = height
    }
}

/// What a shopper asks for.
public struct Ask: Sendable {
    enum Subject {
        case text(String)
        case picture(Rgb)
        case both(String, Rgb)
        case like(Int)
    }

    let subject: Subject
    let slider: Double
    let k: Int
    let filter: Filter
    let threshold: Double
    let leastConfidence: Double

    /// A `text`, a `picture`, both, or products `like` that one. `slider` is for both: from 0, the text alone, to 1, the
    /// picture alone. The rest is as for ``CatalogSearch``.
    ///
    /// Throws ``SearchError/badRequest(_:)`` for an ask of nothing, or of more than that.
    public init(
        text: String? = nil, picture: Rgb? = nil, slider: Double = 0.5, like: Int? = nil, k: Int = 10,
        filter: Filter = .any, threshold: Double = -.infinity, leastConfidence: Double = 0
    ) throws {
        switch (text, picture, like) {
        case (let text?, nil, nil): subject = .text(text)
        case (nil, let picture?, nil): subject = .picture(picture)
        case (let text?, let picture?, nil): subject = .both(text, picture)
        case (nil, nil, let like?): subject = .like(like)
        default: throw SearchError.badRequest("expected a text, a picture, or both; or a product alone")
        }
        self.slider = slider
        self.k = k
        self.filter = filter
        self.threshold = threshold
        self.leastConfidence = leastConfidence
    }
}
