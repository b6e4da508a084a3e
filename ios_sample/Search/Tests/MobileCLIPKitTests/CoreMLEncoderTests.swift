#if canImport(CoreML)
    import CoreML
    import Foundation
    import MobileCLIPKit
    import MobileCLIPSearch
    import Testing

    /// The demo's packages through Core ML, against the golden embeddings.
    struct CoreMLEncoderTests {
        private struct Goldens: Decodable {
            struct Text: Decodable {
                let text: String
                let embedding: [Float]
            }
            struct Square: Decodable {
                let preprocess: String
                let embedding: [Float]
            }
            let texts: [Text]
            let pictures: [Square]
        }

        private static let least: Float = 0.999  // a cosine; the gate has its own, tighter tolerances

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
            let precisions = Set(manifest.artifacts.filter { $0.format == "coreml" }.map(\.precision))
            #expect(!precisions.isEmpty)
            for precision in precisions { try await expectGoldens(manifest, precision, units) }
        }

        private func expectGoldens(
            _ manifest: ModelManifest, _ precision: String, _ units: MLComputeUnits
        ) async throws {
            let tokenizer = try Tokenizers.load(dist.appendingPathComponent(manifest.tokenizer.path))
            let encoder = CoreMLEncoder(
                manifest, image: try package(manifest, "image", precision),
                text: try package(manifest, "text", precision), computeUnits: units)
            let file = goldens.appendingPathComponent("embeddings-demo.json")
            let golden = try JSONDecoder().decode(Goldens.self, from: Data(contentsOf: file))
            for text in golden.texts {
                let found = try await encoder.text(tokenizer.encode(text.text))
                #expect(cosine(found, text.embedding) > Self.least, "\(text.text)")
            }
            let squares = try golden.pictures.map { picture in
                let name = "preprocess/\(picture.preprocess).out.rgb"
                return [UInt8](try Data(contentsOf: goldens.appendingPathComponent(name)))
            }
            for (found, picture) in zip(try await encoder.images(squares), golden.pictures) {
                #expect(cosine(found, picture.embedding) > Self.least, "\(picture.preprocess)")
            }
        }

        private func package(_ manifest: ModelManifest, _ encoder: String, _ precision: String) throws -> URL {
            let artifact = manifest.artifacts.first {
                $0.format == "coreml" && $0.encoder == encoder && $0.precision == precision
            }
            return dist.appendingPathComponent(try #require(artifact).path)
        }

        private func cosine(_ one: [Float], _ other: [Float]) -> Float {  // both of unit length
            zip(one, other).reduce(0) { $0 + $1.0 * $1.1 }
        }
    }
#endif
