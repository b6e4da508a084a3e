#if canImport(CoreML)
    import CoreML
    import CoreVideo
    import Foundation
    import MobileCLIPSearch

    /// The two encoders of an exported model as Core ML packages, for ``Searcher``.
    public struct CoreMLEncoder: EmbeddingEncoder {
        private static let imageInput = "image"  // FORMATS.md, Encoders
        private static let textInput = "token_ids"

        public let space: String
        public let dim: Int
        private let imagePackage: CoreMLPackage
        private let textPackage: CoreMLPackage
        private let size: Int

        /// Which of the two.
        public enum Part: Sendable {
            case image
            case text
        }

        public enum State: Sendable {
            case released
            case preparing
            case ready
        }

        /// `image` and `text`: the compiled models, or `.mlpackage` folders. `onChange` is told of every change of state;
        /// nothing is loaded before it is used or ``prepare()`` is called.
        public init(
            _ manifest: ModelManifest, image: URL, text: URL, computeUnits: MLComputeUnits = .all,
            onChange: @escaping @Sendable (Part, State) -> Void = { _, _ in }
        ) {
            func package(_ file: URL, _ part: Part) -> CoreMLPackage {
                CoreMLPackage(file, space: manifest.space, dim: manifest.dim, computeUnits: computeUnits) { state in
                    onChange(part, state)
                }
            }
            space = manifest.space
            dim = manifest.dim
            size = manifest.preprocessor.size
            imagePackage = package(image, .image)
            textPackage = package(text, .text)
        }

        /// Loads both. Throws ``SearchError/badFile(name:problem:)``.
        public func prepare() async throws {
            try await textPackage.prepare()
            try await imagePackage.prepare()
        }

        /// Gives the memory of both back: for `UIApplication.didReceiveMemoryWarningNotification`.
        public func release() async {
            await textPackage.release()
            await imagePackage.release()
        }

        public func text(_ ids: [Int32]) async throws -> [Float] {
            let ids = MLShapedArray<Int32>(scalars: ids, shape: [1, ids.count])
            return try await one(textPackage.embed([(Self.textInput, MLFeatureValue(shapedArray: ids))]))
        }

        public func image(_ square: [UInt8]) async throws -> [Float] {
            try await one(images([square]))
        }

        /// The embeddings of many pictures at once, a user's own photos say, in their order.
        public func images(_ squares: [[UInt8]]) async throws -> [[Float]] {
            try await imagePackage.embed(
                squares.map { (Self.imageInput, MLFeatureValue(pixelBuffer: try pixelBuffer($0))) })
        }

        private func one(_ embeddings: [[Float]]) throws -> [Float] {
            guard let embedding = embeddings.first else {
                throw SearchError.encoderFailed(name: "Core ML", problem: "one input, and no answer")
            }
            return embedding
        }

        /// A square of RGB bytes as Core ML takes pictures.
        private func pixelBuffer(_ square: [UInt8]) throws -> CVPixelBuffer {
            guard square.count == 3 * size * size else {
                throw SearchError.badRequest("\(square.count) bytes for a square of \(size) pixels, expected 3 a pixel")
            }
            var made: CVPixelBuffer?
            let attributes = [kCVPixelBufferIOSurfacePropertiesKey: [:] as CFDictionary] as CFDictionary
            CVPixelBufferCreate(kCFAllocatorDefault, size, size, kCVPixelFormatType_32BGRA, attributes, &made)
            guard let buffer = made, CVPixelBufferLockBaseAddress(buffer, []) == kCVReturnSuccess else {
                throw SearchError.encoderFailed(name: "Core Video", problem: "no memory for \(size) x \(size) pixels")
            }
            defer { CVPixelBufferUnlockBaseAddress(buffer, []) }
            guard let base = CVPixelBufferGetBaseAddress(buffer) else {
                throw SearchError.encoderFailed(name: "Core Video", problem: "a pixel buffer without memory")
            }
            let rowBytes = CVPixelBufferGetBytesPerRow(buffer)
            for y in 0..<size {
                let row = (base + y * rowBytes).assumingMemoryBound(to: UInt8.self)
                for x in 0..<size {
                    let place = 3 * (y * size + x)
                    row[4 * x] = square[place + 2]
                    row[4 * x + 1] = square[place + 1]
                    row[4 * x + 2] = square[place]
                    row[4 * x + 3] = 255
                }
            }
            return buffer
        }
    }
#endif
