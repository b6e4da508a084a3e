import Foundation
import MobileCLIPSearch
import Testing

@testable import MobileCLIPShop

struct SelfCheckTests {
    /// Answers as it was told to, for the demo's golden inputs.
    private struct Parrot: EmbeddingEncoder {
        let space = ""
        let dim = 2
        var off: Float = 0

        func text(_ ids: [Int32]) async throws -> [Float] { [1, off] }

        func image(_ square: [UInt8]) async throws -> [Float] { [0, 1 + off] }
    }

    private let made: MadeShop
    private let manifest: ModelManifest
    private let tokenizer: any TextTokenizer

    init() throws {
        made = try MadeShop()
        manifest = try ModelManifest.load(made.file("manifest.json"))
        tokenizer = try Tokenizers.load(made.file("tokenizer.safetensors"))
        let golden: [String: Any] = [
            "space": manifest.space,
            "texts": [["text": "a", "embedding": [1, 0]], ["text": "b", "embedding": [2, 0]]],
            "pictures": [["preprocess": "one", "embedding": [0, 1]]],
        ]
        try FileManager.default.createDirectory(at: made.file("preprocess"), withIntermediateDirectories: true)
        try Data([1, 2, 3]).write(to: made.file("preprocess/one.out.rgb"))
        try JSONSerialization.data(withJSONObject: golden).write(to: made.file("embeddings-\(manifest.model).json"))
    }

    private func check(_ encoder: any EmbeddingEncoder) async -> SelfCheck {
        await SelfCheck.run(
            compute: "cpuOnly", golden: made.folder, manifest: manifest, tokenizer: tokenizer, encoder: encoder)
    }

    @Test func passesWhereTheEmbeddingsAreTheGoldenOnes() async throws {
        let check = await check(Parrot())
        #expect(check.passed && check.error == nil && check.encoders.map(\.count) == [2, 1])
        let report = try SelfCheck.report([check], manifest, device: "iPhone0,0", ios: "0")
        let read = try #require(try JSONSerialization.jsonObject(with: report) as? [String: Any])
        #expect(read["passed"] as? Bool == true && read["space"] as? String == manifest.space)
        #expect((read["checks"] as? [[String: Any]])?.first?["compute"] as? String == "cpuOnly")
        #expect(String(decoding: report, as: UTF8.self).contains("\"least_cosine\" : 1"))
    }

    @Test func failsWhereOneIsTooFarAway() async {
        let check = await check(Parrot(off: 0.3))
        #expect(!check.passed && check.encoders.map(\.passed) == [false, true])
    }

    @Test(arguments: ["embeddings-demo.json", "preprocess/one.out.rgb"])
    func saysWhatCouldNotRun(file: String) async throws {
        try FileManager.default.removeItem(at: made.file(file))
        let check = await check(Parrot())
        #expect(!check.passed && check.encoders.isEmpty && check.error?.isEmpty == false)
    }

    @Test func everyPrecisionOfTheGateHasItsFloor() {
        #expect(SelfCheck.least == ["fp32": 0.999999, "fp16": 0.9999] && SelfCheck.leastCompressed == 0.98)
    }
}
