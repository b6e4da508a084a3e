import Foundation

/// An image: red, green and blue of each pixel, row by row, upright sRGB.
public struct RGBImage: Sendable, Identifiable {
    /// Pixels of the largest image.
    public static let mostPixels = 1 << 27

    /// Another one for each that is made: what ``Searcher`` remembers an image by.
    public let id = UUID()
    public let bytes: [UInt8]
    public let width: Int
    public let height: Int

    /// Throws ``SearchError/badRequest(_:)`` where `bytes` has another length, or there are no or over 2^27 pixels.
    public init(bytes: [UInt8], width: Int, height: Int) throws {
        let (pixels, overflow) = width.multipliedReportingOverflow(by: height)
        try require(
            width > 0 && height > 0 && !overflow && pixels <= Self.mostPixels && bytes.count == 3 * pixels,
            "\(bytes.count) bytes for an image of \(width) x \(height), expected 3 a pixel and at most "
                + "\(Self.mostPixels) pixels")
        self.bytes = bytes
        self.width = width
        self.height = height
    }
}
