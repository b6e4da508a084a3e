/// How an image is shrunk; always antialiased. The manifest names it.
public enum ResizeInterpolation: String, Sendable, CaseIterable {
    case bilinear
    case bicubic

    /// Half of the kernel's width, in input pixels.
    var halfWidth: Double { self == .bilinear ? 1 : 2 }

    /// The kernel's value at `x` input pixels from its centre, in Pillow's order of operations.
    func weight(_ x: Double) -> Double {
        let a = -0.5
        let far = abs(x)
        if self == .bilinear { return max(1 - far, 0) }
        if far < 1 { return ((a + 2) * far - (a + 3)) * far * far + 1 }
        if far < 2 { return (((far - 5) * far + 8) * far - 4) * a }
        return 0
    }
}

/// To which lengths the sides are resized, and what is then cropped.
public enum ResizeMode: String, Sendable, CaseIterable {
    /// The shorter side to the square's, the other by the same factor; then the centre is cropped.
    case shortest
    /// Both sides to the square's.
    case squash

    /// What is cropped, in the manifest's words.
    var crop: String { self == .shortest ? "centre" : "none" }
}

/// From upright RGB8 to the square that the image encoder takes, the same bytes as open_clip on the desktop: resized by
/// ``mode``, antialiased. Only the pixels of the square are computed.
///
/// Holds nothing that changes: any number of tasks may share it.
public struct ImagePreprocessor: Sendable {
    private static let largestSize = 4096
    /// At more than that, rounded weights change colours (FORMATS.md, Pictures).
    private static let mostShrunk = 4096

    /// Pixels of the square's sides.
    public let size: Int
    /// How images are shrunk.
    public let interpolation: ResizeInterpolation
    /// To which lengths, and what is cropped.
    public let mode: ResizeMode

    /// Throws ``SearchError/badRequest(_:)`` for a size outside 1 to 4,096.
    public init(size: Int, interpolation: ResizeInterpolation, mode: ResizeMode = .shortest) throws {
        try require((1...Self.largestSize).contains(size), "a square of \(size) pixels")
        self.size = size
        self.interpolation = interpolation
        self.mode = mode
    }

    /// The square: ``size`` x ``size`` pixels, 3 bytes each; the encoder takes them as numbers from 0 to 255. Takes some
    /// 3 x ``size`` x the shorter side bytes of memory, and time: not for the main thread.
    ///
    /// Throws ``SearchError/badRequest(_:)`` where a side is over 4,096 times as long as it becomes.
    public func square(_ image: RGBImage) throws -> [UInt8] {
        let (width, height) = (image.width, image.height)
        let toWidth = resized(width, short: min(width, height))
        let toHeight = resized(height, short: min(width, height))
        try require(
            width <= Self.mostShrunk * toWidth && height <= Self.mostShrunk * toHeight,
            "an image of \(width) x \(height), expected at most \(Self.mostShrunk * toWidth) x "
                + "\(Self.mostShrunk * toHeight)")
        let columns = Axis(length: width, resized: toWidth, size: size, interpolation)
        let rows = Axis(length: height, resized: toHeight, size: size, interpolation)
        let pixels = Pixels(bytes: image.bytes, width: width, left: 0, top: 0)
        if rowsFirst(fewerRows: height - toHeight, fewerColumns: width - toWidth) {
            let window = rows.shrinkRows(pixels, left: columns.inputs.lowerBound, count: columns.inputs.count)
            let narrow = Pixels(
                bytes: window, width: columns.inputs.count, left: columns.inputs.lowerBound, top: 0)
            return columns.shrinkColumns(narrow, top: 0, count: size)
        }
        let window = columns.shrinkColumns(pixels, top: rows.inputs.lowerBound, count: rows.inputs.count)
        let low = Pixels(bytes: window, width: size, left: 0, top: rows.inputs.lowerBound)
        return rows.shrinkRows(low, left: 0, count: size)
    }

    /// What a side becomes.
    private func resized(_ side: Int, short: Int) -> Int { mode == .squash ? size : size * side / short }

    /// Whether the height changes before the width, as in Pillow 13.0: each pass rounds, so that the order matters.
    private func rowsFirst(fewerRows: Int, fewerColumns: Int) -> Bool {
        fewerRows > 0 && fewerRows > 2 * fewerColumns
    }
}
