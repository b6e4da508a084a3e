#if canImport(CoreML)
    import CoreML
    import Foundation
    import MobileCLIPKit
    import MobileCLIPSearch
    import Testing

    @testable import ShopSearch

    /// The app's own encoders against the golden embeddings, on each kind of processors: on a device, what the Neural Engine
    /// and the GPU really give; in a simulator, whose GPU is not to be trusted with float16, the CPU alone. Of a model without
    /// `embeddings-<model>.json` in `parity/goldens` there is nothing to compare.
    struct GoldenEmbeddingTests {
        private static let manifest = try? ModelManifest.load(Bundle.main.bundleURL.appending(path: "manifest.json"))
        private static let isThere = manifest.map {
            FileManager.default.fileExists(atPath: goldens.appending(path: "embeddings-\($0.model).json").path)
        }

        @Test(
            .enabled(if: isThere ?? true, "no golden embeddings of the app's model"), arguments: namedUnits.map(\.name))
        func theEmbeddingsAreThoseOfPyTorch(_ name: String) async throws {
            let manifest = try #require(Self.manifest)
            let tokenizer = try Tokenizers.load(Bundle.main.bundleURL.appending(path: manifest.tokenizer.path))
            let units = try #require(namedUnits.first { $0.name == name }?.units)
            func file(_ encoder: String) throws -> SelfCheck.File {
                SelfCheck.File(try manifest.artifact(format: "coreml", encoder: encoder))
            }
            let check = await SelfCheck.run(
                compute: name, try GoldenEmbeddings(goldens, for: manifest), tokenizer: tokenizer,
                encoder: coreML(manifest, units), files: [.image: try file("image"), .text: try file("text")])
            #expect(check.passed, "\(check.error ?? "\(check.encoders)")")
        }
    }
#endif
