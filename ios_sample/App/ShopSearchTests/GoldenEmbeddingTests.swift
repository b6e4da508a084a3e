#if canImport(CoreML)
    import CoreML
    import Foundation
    import MobileCLIPKit
    import MobileCLIPSearch
    import Testing

    @testable import MobileCLIPShop
    @testable import ShopSearch

    /// The app's own encoders against the golden embeddings, on each kind of processors: on a device, what the Neural Engine
    /// and the GPU really give; in a simulator, whose GPU is not to be trusted with float16, the CPU alone. Of a model without
    /// `embeddings-<model>.json` in `parity/goldens` there is nothing to compare.
    struct GoldenEmbeddingTests {
        #if targetEnvironment(simulator)
            static let units = ["cpuOnly"]
        #else
            static let units = ["cpuOnly", "cpuAndNeuralEngine", "cpuAndGPU", "all"]
        #endif

        private static let manifest = try? ModelManifest.load(Bundle.main.bundleURL.appending(path: "manifest.json"))
        private static let isThere = manifest.map {
            FileManager.default.fileExists(atPath: goldens.appending(path: "embeddings-\($0.model).json").path)
        }

        @Test(.enabled(if: isThere ?? true, "no golden embeddings of the app's model"), arguments: units)
        func theEmbeddingsAreThoseOfPyTorch(_ units: String) async throws {
            let manifest = try #require(Self.manifest)
            let tokenizer = try Tokenizers.load(Bundle.main.bundleURL.appending(path: manifest.tokenizer.path))
            let kinds: [String: MLComputeUnits] = [
                "cpuOnly": .cpuOnly, "cpuAndNeuralEngine": .cpuAndNeuralEngine, "cpuAndGPU": .cpuAndGPU, "all": .all,
            ]
            let encoder = coreML(manifest, try #require(kinds[units]))
            let check = await SelfCheck.run(
                compute: units, golden: goldens, manifest: manifest, tokenizer: tokenizer, encoder: encoder)
            print(String(decoding: try SelfCheck.report([check], manifest, device: "", ios: ""), as: UTF8.self))
            #expect(check.passed, "\(check.error ?? "\(check.encoders)")")
        }
    }
#endif
