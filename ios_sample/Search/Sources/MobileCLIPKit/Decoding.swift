#if canImport(CoreML)
    import CoreGraphics
    import Foundation
    import ImageIO
    import MobileCLIPSearch

    extension RGBImage {
        /// Decodes a file's bytes to upright sRGB, alpha over white, as FORMATS.md says of pictures. Where the longer side
        /// is over `longest` pixels, it is decoded at that size: cheaper, and not quite the same pixels.
        ///
        /// Throws ``SearchError/badRequest(_:)`` for what ImageIO cannot read.
        public init(decoding file: Data, longest: Int) throws {
            let options: [CFString: Any] = [
                kCGImageSourceCreateThumbnailFromImageAlways: true,
                kCGImageSourceCreateThumbnailWithTransform: true,
                kCGImageSourceThumbnailMaxPixelSize: longest,
            ]
            guard let source = CGImageSourceCreateWithData(file as CFData, nil),
                let image = CGImageSourceCreateThumbnailAtIndex(source, 0, options as CFDictionary)
            else { throw SearchError.badRequest("no picture that this system can read") }
            try self.init(image)
        }

        /// An upright picture, a camera's frame say, as sRGB over white.
        public init(_ image: CGImage) throws {
            let (width, height) = (image.width, image.height)
            guard let space = CGColorSpace(name: CGColorSpace.sRGB),
                let context = CGContext(
                    data: nil, width: width, height: height, bitsPerComponent: 8, bytesPerRow: 4 * width, space: space,
                    bitmapInfo: CGImageAlphaInfo.noneSkipLast.rawValue)
            else { throw SearchError.badRequest("no memory for a picture of \(width) x \(height)") }
            let frame = CGRect(x: 0, y: 0, width: width, height: height)
            context.setFillColor(red: 1, green: 1, blue: 1, alpha: 1)
            context.fill(frame)
            context.draw(image, in: frame)
            guard let data = context.data else { throw SearchError.badRequest("a picture without memory") }
            let pixels = UnsafeRawBufferPointer(start: data, count: 4 * width * height)
            let rgb = [UInt8](unsafeUninitializedCapacity: 3 * width * height) { bytes, count in
                for pixel in 0..<width * height {
                    for channel in 0..<3 { bytes[3 * pixel + channel] = pixels[4 * pixel + channel] }
                }
                count = 3 * width * height
            }
            try self.init(bytes: rgb, width: width, height: height)
        }
    }
#endif
