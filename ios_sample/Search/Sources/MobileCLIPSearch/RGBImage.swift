import Foundation

/// An image: red, green and blue of each pixel, row by row, upright sRGB.
public struct RGBImage: Sendable, Identifiable {
    /// Pixels of the largest image.
    public static let mostPixels = 1 << 27

    /// Another one for each that is made: what ``Searcher`` remembers an image by.
    public let id = UUID()
    /// 3 a pixel.
    public let bytes: [UInt8]
    /// Pixels across.
    public let width: Int
    /// Pixels down.
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

    /// The part of `width` x `height` pixels whose upper left corner is `left`, `top`: an object that a shopper chose.
    ///
    /// Throws ``SearchError/badRequest(_:)`` where the part is empty or does not lie within the image.
    public func cropped(left: Int, top: Int, width: Int, height: Int) throws -> RGBImage {
        try require(
            left >= 0 && top >= 0 && width > 0 && height > 0 && width <= self.width - left
                && height <= self.height - top,
            "a part of \(width) x \(height) at \(left), \(top) of an image of \(self.width) x \(self.height)")
        let part = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { part, count in
            bytes.withUnsafeBufferPointer { bytes in
                for row in 0..<height {
                    let start = 3 * ((top + row) * self.width + left)
                    let line = bytes[start..<start + 3 * width]
                    _ = UnsafeMutableBufferPointer(rebasing: part[(3 * width * row)...]).initialize(from: line)
                }
            }
            count = 3 * width * height
        }
        return try RGBImage(bytes: part, width: width, height: height)
    }
}

extension RGBImage {
    /// Turned upright by an EXIF orientation, 1 to 8; any other counts as upright.
    public func upright(exif: Int) throws -> RGBImage {
        guard (2...8).contains(exif) else { return self }
        let isTurned = exif > 4
        let (across, down) = isTurned ? (height, width) : (width, height)
        let made = [UInt8](unsafeUninitializedCapacity: bytes.count) { made, count in
            for y in 0..<down {
                for x in 0..<across {
                    let (column, row) = Self.source(exif, x, y, width, height)
                    for channel in 0..<3 {
                        made[3 * (y * across + x) + channel] = bytes[3 * (row * width + column) + channel]
                    }
                }
            }
            count = bytes.count
        }
        return try RGBImage(bytes: made, width: across, height: down)
    }

    /// Where the upright picture's pixel x, y stands in one of `width` x `height` as it is stored.
    private static func source(_ exif: Int, _ x: Int, _ y: Int, _ width: Int, _ height: Int) -> (Int, Int) {
        let (right, bottom) = (width - 1, height - 1)
        return switch exif {
        case 2: (right - x, y)
        case 3: (right - x, bottom - y)
        case 4: (x, bottom - y)
        case 5: (y, x)
        case 6: (y, bottom - x)
        case 7: (right - y, bottom - x)
        case 8: (right - y, x)
        default: (x, y)
        }
    }
}
