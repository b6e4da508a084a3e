#if canImport(CoreML)
    import CoreGraphics
    import CoreVideo
    import Foundation
    import ImageIO
    import MobileCLIPSearch
    import VideoToolbox

    extension RGBImage {
        /// Decodes a file's bytes to upright sRGB, alpha over white, for a model: nothing that its encoder does not see is
        /// made large. A large picture is decoded at a smaller size, its shorter side still at least four times the
        /// encoder's; of a long strip the square in the middle is kept, unless the model squashes pictures. `region`: a part
        /// of the upright picture, the object that a shopper chose. Not for the main thread.
        ///
        /// Throws ``SearchError/badPicture(_:)`` for what ImageIO cannot read, one of over 2^27 pixels, or one that takes too
        /// much memory; ``SearchError/outOfMemory(_:)``.
        public init(decoding file: Data, for preprocessor: ImagePreprocessor, region: PictureRegion? = nil) throws {
            let source = try PictureSource(file)
            let plan = try source.plan(for: preprocessor, region)
            let window = plan.window
            let image = try source.decoded(longest: plan.longest)
            let frame = CGRect(x: window.left, y: window.top, width: window.width, height: window.height)
            let isWhole = window.width == image.width && window.height == image.height
            guard let part = isWhole ? image : image.cropping(to: frame) else {
                throw SearchError.outOfMemory("no memory for a part of a picture")
            }
            try self.init(part)
        }

        /// The same without a model: where the longer side is over `longest` pixels, the picture is decoded at that size. A
        /// search wants ``init(decoding:for:region:)``, which looks at the shorter side.
        public init(decoding file: Data, longest: Int) throws {
            try self.init(PictureSource(file).decoded(longest: longest))
        }

        /// A picture as sRGB over white, turned upright from `orientation`.
        ///
        /// Throws ``SearchError/outOfMemory(_:)``, and ``SearchError/badRequest(_:)`` for one of over 2^27 pixels.
        public init(_ image: CGImage, orientation: CGImagePropertyOrientation = .up) throws {
            let (width, height) = (image.width, image.height)
            guard let space = CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width, space: space,
                    bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { throw SearchError.outOfMemory("no memory for a picture of \(width) x \(height)") }
            let frame = CGRect(x: 0, y: 0, width: width, height: height)
            context.setFillColor(red: 1, green: 1, blue: 1, alpha: 1)
            context.fill(frame)
            context.draw(image, in: frame)
            let rgb = try withExtendedLifetime(context) {  // its memory goes with it
                guard let data = context.data else { throw SearchError.outOfMemory("a picture without memory") }
                return rgbBytes(UnsafeRawBufferPointer(start: data, count: 4 * width * height))
            }
            self = try RGBImage(bytes: rgb, width: width, height: height).upright(exif: Int(orientation.rawValue))
        }

        /// A frame of a camera, of ARKit, or of Visual Intelligence, turned upright from `orientation`.
        public init(_ buffer: CVPixelBuffer, orientation: CGImagePropertyOrientation = .up) throws {
            var image: CGImage?
            VTCreateCGImageFromCVPixelBuffer(buffer, options: nil, imageOut: &image)
            guard let image else { throw SearchError.badPicture("a pixel buffer of a kind that cannot be read") }
            try self.init(image, orientation: orientation)
        }
    }

    /// Every pixel's first three bytes of four.
    private func rgbBytes(_ pixels: UnsafeRawBufferPointer) -> [UInt8] {
        let count = pixels.count / 4
        return [UInt8](unsafeUninitializedCapacity: 3 * count) { bytes, filled in
            for pixel in 0..<count {
                for channel in 0..<3 { bytes[3 * pixel + channel] = pixels[4 * pixel + channel] }
            }
            filled = 3 * count
        }
    }

    /// A picture's file as ImageIO reads it.
    private struct PictureSource {
        /// Kinds that ImageIO decodes at a smaller size without making the whole first.
        private static let reducible: Set = ["public.jpeg", "public.heic", "public.heif"]

        private let source: CGImageSource

        /// Throws ``SearchError/badPicture(_:)``.
        init(_ file: Data) throws {
            guard let source = CGImageSourceCreateWithData(file as CFData, nil) else { throw Self.unreadable }
            self.source = source
        }

        func plan(for preprocessor: ImagePreprocessor, _ region: PictureRegion?) throws -> DecodingPlan {
            guard let found = CGImageSourceCopyPropertiesAtIndex(source, 0, nil) as? [CFString: Any],
                let width = found[kCGImagePropertyPixelWidth] as? Int,
                let height = found[kCGImagePropertyPixelHeight] as? Int
            else { throw Self.unreadable }
            let isTurned = (found[kCGImagePropertyOrientation] as? Int ?? 1) > 4
            let kind = CGImageSourceGetType(source).map { $0 as String }
            return try DecodingPlan(
                width: isTurned ? height : width, height: isTurned ? width : height,
                pixelBytes: found[kCGImagePropertyDepth] as? Int ?? 8 > 8 ? 8 : 4,
                isReducible: kind.map(Self.reducible.contains) ?? false, for: preprocessor, region: region)
        }

        /// Upright.
        func decoded(longest: Int) throws -> CGImage {
            let options: [CFString: Any] = [
                kCGImageSourceCreateThumbnailFromImageAlways: true,
                kCGImageSourceCreateThumbnailWithTransform: true,
                kCGImageSourceThumbnailMaxPixelSize: longest,
            ]
            guard let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary) else {
                throw Self.unreadable
            }
            return image
        }

        private static let unreadable = SearchError.badPicture("no picture that this system can read")
    }
#endif
