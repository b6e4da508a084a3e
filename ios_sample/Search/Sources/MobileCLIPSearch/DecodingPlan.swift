/// How a picture's file is decoded for a model, so that nothing large is made: at which size, and which part of it.
///
/// A large picture is decoded at a smaller size, the shorter side still at least four times the encoder's. Of one that is
/// still large, a strip say, only the square in the middle is kept that the encoder sees, unless the model squashes.
public struct DecodingPlan: Equatable, Sendable {
    /// Of the shorter side, in sides of the encoder's square: below, scores change by more than decoders differ.
    private static let least = 4
    /// Pixels of what is kept whole, 25 MB of RGB.
    private static let mostWhole = 1 << 23
    /// Bytes by which memory may grow, and those that a picture may have of which a part was chosen.
    private static let mostBytes = 190_000_000
    private static let mostDecoded = 130_000_000

    /// Pixels, upright.
    public struct Window: Equatable, Sendable {
        /// Of its left edge.
        public var left: Int
        /// Of its upper edge.
        public var top: Int
        /// Across.
        public var width: Int
        /// Down.
        public var height: Int
    }

    /// Pixels of the longer side, as the decoder is to make the whole picture.
    public let longest: Int
    /// What is kept of it.
    public let window: Window
    /// By how much memory grows: what the decoder fills, and what is kept, as RGBA and as RGB.
    public let bytes: Int

    /// `width` x `height`: the upright picture. `pixelBytes`: of a decoded pixel, 4 or, of 16 bits a channel, 8.
    /// `isReducible`: whether the decoder makes a smaller picture without making the whole first, as of a JPEG.
    ///
    /// Throws ``SearchError/badPicture(_:)`` for one of no or over 2^27 pixels, or that takes too much memory.
    public init(
        width: Int, height: Int, pixelBytes: Int = 4, isReducible: Bool, for preprocessor: ImagePreprocessor,
        region: PictureRegion? = nil
    ) throws {
        guard width > 0, height > 0, width <= RGBImage.mostPixels / height else {
            throw SearchError.badPicture(
                "a picture of \(width) x \(height), expected at most \(RGBImage.mostPixels) pixels")
        }
        let chosen = Self.window(of: region, width, height)
        let short = min(chosen.width, chosen.height)
        let largest = max(width, height)
        // Rounded up, and never enlarged.
        var longest = min(largest, (largest * Self.least * preprocessor.size + short - 1) / short)
        // A chosen part is rather less sharp than refused.
        if region != nil { longest = Self.fitting(longest, width, height, pixelBytes) }
        func scaled(_ side: Int) -> Int { max(1, side * longest / largest) }
        let (decodedWidth, decodedHeight) = (scaled(width), scaled(height))
        var window = Self.window(of: region, decodedWidth, decodedHeight)
        if preprocessor.mode == .shortest, window.width * window.height > Self.mostWhole { window = window.middle }
        let whole = isReducible || longest == largest ? 0 : width * height * pixelBytes
        let bytes = whole + decodedWidth * decodedHeight * pixelBytes + 7 * window.width * window.height
        guard bytes <= Self.mostBytes else {
            throw SearchError.badPicture(
                "a picture of \(width) x \(height) takes too much memory; expected one that is cropped, or smaller")
        }
        self.longest = longest
        self.window = window
        self.bytes = bytes
    }

    /// The longer side at which the whole takes no more than the decoder may fill.
    private static func fitting(_ longest: Int, _ width: Int, _ height: Int, _ pixelBytes: Int) -> Int {
        let most = Double(mostDecoded / pixelBytes)
        let share = (most / (Double(width) * Double(height))).squareRoot()
        return min(longest, max(1, Int(share * Double(max(width, height)))))
    }

    private static func window(of region: PictureRegion?, _ width: Int, _ height: Int) -> Window {
        guard let region else { return Window(left: 0, top: 0, width: width, height: height) }
        func span(_ start: Double, _ share: Double, _ side: Int) -> (Int, Int) {
            let first = min(Int((start * Double(side)).rounded(.down)), side - 1)
            let end = min(max(Int(((start + share) * Double(side)).rounded(.up)), first + 1), side)
            return (first, end - first)
        }
        let (left, across) = span(region.left, region.width, width)
        let (top, down) = span(region.top, region.height, height)
        return Window(left: left, top: top, width: across, height: down)
    }
}

extension DecodingPlan.Window {
    /// The square in the middle.
    fileprivate var middle: Self {
        let side = min(width, height)
        return Self(
            left: left + (width - side) / 2, top: top + (height - side) / 2, width: side, height: side)
    }
}
