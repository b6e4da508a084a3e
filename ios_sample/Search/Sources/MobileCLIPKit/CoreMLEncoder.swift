#if canImport(CoreML)
    import CoreML
    import CoreVideo
    import Foundation
    import MobileCLIPSearch

    /// The two encoders of an exported model as Core ML packages, for ``Searcher``.
    public struct CoreMLEncoder: EmbeddingEncoder {
        private static let imageInput = "image"  // FORMATS.md, Encoders
        private static let textInput = "token_ids"
        /// How many pictures Core ML is given at once.
        static let batch = 16

        /// 64 hex digits naming the embedding space.
        public let space: String
        /// The width of an embedding.
        public let dim: Int
        private let imagePackage: CoreMLPackage
        private let textPackage: CoreMLPackage
        private let size: Int

        /// Which of the two.
        public typealias Part = EncoderPart

        /// Whether an encoder is in memory.
        public enum State: Sendable {
            case released
            case preparing
            case ready
        }

        /// `image` and `text`: the compiled models, or `.mlpackage` folders, which are compiled once and kept in the folder of
        /// caches. `computeUnits`: on which processors Core ML may run; without the GPU, since iOS refuses that to an app in
        /// the background. `textComputeUnits`: the text encoder's, where they are others. `onChange` is told of every change
        /// of state; nothing is loaded before it is used or ``prepare()`` is called.
        public init(
            _ manifest: ModelManifest, image: URL, text: URL, computeUnits: MLComputeUnits = .cpuAndNeuralEngine,
            textComputeUnits: MLComputeUnits? = nil, onChange: @escaping @Sendable (Part, State) -> Void = { _, _ in }
        ) {
            self.init(
                manifest, image: image, text: text, computeUnits: computeUnits, textComputeUnits: textComputeUnits,
                system: runningIOS, caches: Self.caches, onChange: onChange)
        }

        /// The encoders of a folder with its manifest, that of an update (``CatalogInForce/encoders``): its two packages. What
        /// is compiled of them is kept in the folder, and goes with it. As ``init(_:image:text:computeUnits:)`` otherwise.
        ///
        /// Throws ``SearchError/mismatch(name:problem:)`` where the manifest has no encoders for Core ML.
        public init(
            bundle folder: URL, _ manifest: ModelManifest, computeUnits: MLComputeUnits = .cpuAndNeuralEngine,
            textComputeUnits: MLComputeUnits? = nil, onChange: @escaping @Sendable (Part, State) -> Void = { _, _ in }
        ) throws {
            func package(_ encoder: String) throws -> URL {
                folder.appendingPathComponent(try manifest.artifact(format: "coreml", encoder: encoder).path)
            }
            self.init(
                manifest, image: try package("image"), text: try package("text"), computeUnits: computeUnits,
                textComputeUnits: textComputeUnits, system: runningIOS, caches: folder, onChange: onChange)
        }

        private static var caches: URL {
            FileManager.default.urls(for: .cachesDirectory, in: .userDomainMask).first
                ?? FileManager.default.temporaryDirectory
        }

        /// `system`: the iOS that the packages must run on; nil where none is known.
        init(
            _ manifest: ModelManifest, image: URL, text: URL, computeUnits: MLComputeUnits,
            textComputeUnits: MLComputeUnits?, system: Int?, caches: URL,
            onChange: @escaping @Sendable (Part, State) -> Void
        ) {
            let turns = Turns()  // one load at a time: each takes a multiple of its model's memory for a moment
            func package(_ file: URL, _ part: Part, _ units: MLComputeUnits) -> CoreMLPackage {
                let artifact = manifest.artifact(of: file, part)
                return CoreMLPackage(
                    file, manifest: manifest, artifact: artifact, computeUnits: units, system: system, caches: caches,
                    turns: turns
                ) { state in onChange(part, state) }
            }
            space = manifest.space
            dim = manifest.dim
            size = manifest.preprocessor.size
            imagePackage = package(image, .image, computeUnits)
            textPackage = package(text, .text, textComputeUnits ?? computeUnits)
        }

        /// Loads both, one after the other. Throws ``SearchError/missingFile(name:problem:)``,
        /// ``SearchError/badFile(name:problem:)`` or, for a model of another embedding space or a later system,
        /// ``SearchError/mismatch(name:problem:)``.
        public func prepare() async throws {
            for part in EncoderPart.allCases { try await prepare(part) }
        }

        /// Loads one of the two ahead of its first use. As ``prepare()``.
        public func prepare(_ part: EncoderPart) async throws {
            switch part {
            case .text: try await textPackage.prepare()
            case .image: try await imagePackage.prepare()
            }
        }

        /// Gives the memory of both back: for `UIApplication.didReceiveMemoryWarningNotification`. What is just being loaded
        /// is awaited and dropped; what is just being used is dropped when that is done. Nothing is loaded again before it is
        /// needed.
        public func release() async {
            await textPackage.release()
            await imagePackage.release()
        }

        /// The embedding of a text's ids.
        public func text(_ ids: [Int32]) async throws -> [Float] {
            try await textPackage.embed { [shape = [1, ids.count]] in
                (Self.textInput, MLFeatureValue(shapedArray: MLShapedArray<Int32>(scalars: ids, shape: shape)))
            }
        }

        /// The embedding of an image's square.
        public func image(_ square: [UInt8]) async throws -> [Float] {
            try await imagePackage.embed { (Self.imageInput, MLFeatureValue(pixelBuffer: try pixelBuffer(square))) }
        }

        /// The embeddings of many pictures, a user's own photos say, in their order. `square` makes each, by its place, just
        /// before it is needed, and only ``batch`` of them are kept at a time. `onProgress` is told how many are done.
        ///
        /// Throws `CancellationError` before the next batch where the task is cancelled.
        public func images(
            count: Int, onProgress: @Sendable (Int) -> Void = { _ in }, square: @Sendable (Int) async throws -> [UInt8]
        ) async throws -> [[Float]] {
            var embeddings: [[Float]] = []
            for start in stride(from: 0, to: count, by: Self.batch) {
                try Task.checkCancellation()
                var squares: [[UInt8]] = []
                for place in start..<min(start + Self.batch, count) { squares.append(try await square(place)) }
                embeddings += try await imagePackage.embed(count: squares.count) { [squares] place in
                    (Self.imageInput, MLFeatureValue(pixelBuffer: try pixelBuffer(squares[place])))
                }
                onProgress(embeddings.count)
            }
            return embeddings
        }

        /// The same of squares that are there already.
        public func images(
            _ squares: [[UInt8]], onProgress: @Sendable (Int) -> Void = { _ in }
        ) async throws -> [[Float]] {
            try await images(count: squares.count, onProgress: onProgress) { squares[$0] }
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

    extension ModelManifest {
        /// The artefact that this package is, if the manifest says so: by its name, or since there is no other.
        fileprivate func artifact(of file: URL, _ part: EncoderPart) -> Artifact? {
            let encoder = part == .image ? "image" : "text"
            let all = artifacts.filter { $0.format == "coreml" && $0.encoder == encoder }
            let name = file.deletingPathExtension().lastPathComponent
            return all.count == 1
                ? all[0]
                : all.first { URL(fileURLWithPath: $0.path).deletingPathExtension().lastPathComponent == name }
        }
    }

    /// The iOS whose Core ML this is; nil where none is known. macOS counted three behind until both became 26.
    private let runningIOS: Int? = {
        let major = ProcessInfo.processInfo.operatingSystemVersion.majorVersion
        #if os(iOS)
            return major
        #elseif os(macOS)
            return major < 26 ? major + 3 : major
        #else
            return nil
        #endif
    }()
#endif
