#if canImport(CoreML)
    import CoreML
    import Foundation
    import MobileCLIPKit
    import MobileCLIPSearch
    import Testing

    /// The demo's packages through Core ML, against the golden embeddings.
    struct CoreMLEncoderTests {
        private static let least = 0.999  // a cosine; the gate has its own, tighter tolerances

        private let dist: URL
        private let goldens: URL

        init() {
            let repository = (0..<5).reduce(URL(fileURLWithPath: #filePath)) { url, _ in url.deletingLastPathComponent()
            }
            func folder(_ variable: String, else path: String) -> URL {
                ProcessInfo.processInfo.environment[variable].map { URL(fileURLWithPath: $0) }
                    ?? repository.appendingPathComponent(path)
            }
            dist = folder("DIST", else: "dist/demo")
            goldens = folder("GOLDENS", else: "parity/goldens")
        }

        /// Every precision that was exported.
        @Test(arguments: [MLComputeUnits.cpuOnly, .cpuAndNeuralEngine])
        func theGoldenInputsHaveTheGoldenEmbeddings(_ units: MLComputeUnits) async throws {
            let manifest = try ModelManifest.load(dist.appendingPathComponent("manifest.json"))
            let tokenizer = try Tokenizers.load(dist.appendingPathComponent(manifest.tokenizer.path))
            let golden = try GoldenEmbeddings(goldens, for: manifest)
            let packages = manifest.artifacts.filter { $0.format == "coreml" }
            #expect(!packages.isEmpty)
            for precision in Set(packages.map(\.precision)) {
                func package(_ encoder: String) throws -> ModelManifest.Artifact {
                    try #require(packages.first { ($0.encoder, $0.precision) == (encoder, precision) })
                }
                let (image, text) = (try package("image"), try package("text"))
                let encoder = CoreMLEncoder(
                    manifest, image: dist.appendingPathComponent(image.path),
                    text: dist.appendingPathComponent(text.path), computeUnits: units)
                let check = await SelfCheck.run(
                    compute: "\(units)", golden, tokenizer: tokenizer, encoder: encoder,
                    files: [.image: SelfCheck.File(image), .text: SelfCheck.File(text)])
                #expect(check.error == nil, "\(precision)")
                #expect(check.encoders.allSatisfy { $0.leastCosine > Self.least }, "\(precision): \(check.encoders)")
                let squares = try golden.pictures.map(golden.square)
                let single = try await encoder.image(squares[0])
                #expect(try await encoder.images(squares)[0] == single, "alone, and in a batch")
            }
        }
    }
#endif
