import Foundation
import MobileCLIPSearch

/// Proves on this device, on these processors, that the encoders give the embeddings of float32 PyTorch: golden inputs enter
/// (`parity/goldens/embeddings-<model>.json` and what it names), a report leaves. Android's has the same words.
public struct SelfCheck: Encodable, Equatable, Sendable {
    /// Of one of the two encoders, over all of its golden inputs.
    public struct Encoder: Encodable, Equatable, Sendable {
        public let encoder: String
        public let precision: String
        public let loadMs: Double
        public let medianMs: Double
        /// How many golden inputs.
        public let count: Int
        public let leastCosine: Double
        /// The least cosine that passes.
        public let expected: Double
        public let passed: Bool
    }

    /// The processors, by the caller's name for them.
    public let compute: String
    public let encoders: [Encoder]
    /// One line; nil where all could run.
    public let error: String?
    public let passed: Bool

    private struct Golden: Decodable {
        struct Text: Decodable {
            let text: String
            let embedding: [Float]
        }
        struct Picture: Decodable {
            let preprocess: String
            let embedding: [Float]
        }
        let space: String
        let texts: [Text]
        let pictures: [Picture]
    }

    /// By precision: the gate's own (`parity/gate/tolerances.toml`).
    static let least = ["fp32": 0.999999, "fp16": 0.9999]
    static let leastCompressed = 0.98

    /// `golden`: a folder such as `parity/goldens`. What cannot run is the report's ``error``.
    public static func run(
        compute: String, golden: URL, manifest: ModelManifest, tokenizer: any TextTokenizer,
        encoder: any EmbeddingEncoder
    ) async -> SelfCheck {
        do {
            let file = golden.appendingPathComponent("embeddings-\(manifest.model).json")
            let read = try JSONDecoder().decode(Golden.self, from: Data(contentsOf: file))
            guard read.space == manifest.space else {
                throw SearchError.mismatch(
                    name: file.path, problem: "embeddings of space \(read.space), the manifest's is \(manifest.space)")
            }
            func check(_ part: EncoderPart, _ golden: [[Float]], _ answer: (Int) async throws -> [Float]) async throws
                -> Encoder
            {
                let precision = try manifest.artifact(format: "coreml", encoder: "\(part)").precision
                let loading = try await milliseconds { try await encoder.prepare(part) }.1
                var (cosines, times): ([Double], [Double]) = ([], [])
                for (place, expected) in golden.enumerated() {
                    let (found, time) = try await milliseconds { try await answer(place) }
                    cosines.append(cosine(found, expected))
                    times.append(time)
                }
                let (worst, expected) = (cosines.min() ?? -1, least[precision] ?? leastCompressed)
                return Encoder(
                    encoder: "\(part)", precision: precision, loadMs: loading,
                    medianMs: times.sorted().dropFirst(times.count / 2).first ?? 0, count: golden.count,
                    leastCosine: worst, expected: expected, passed: worst >= expected)
            }
            let text = try await check(.text, read.texts.map(\.embedding)) {
                try await encoder.text(tokenizer.encode(read.texts[$0].text))
            }
            let image = try await check(.image, read.pictures.map(\.embedding)) {
                let name = "preprocess/\(read.pictures[$0].preprocess).out.rgb"
                return try await encoder.image([UInt8](Data(contentsOf: golden.appendingPathComponent(name))))
            }
            return SelfCheck(
                compute: compute, encoders: [text, image], error: nil, passed: text.passed && image.passed)
        } catch {
            return SelfCheck(compute: compute, encoders: [], error: "\(error)", passed: false)
        }
    }

    /// One JSON object: what ran where, and each check.
    public static func report(_ checks: [SelfCheck], _ manifest: ModelManifest, device: String, ios: String) throws
        -> Data
    {
        struct Report: Encodable {
            let passed: Bool
            let device: String
            let ios: String
            let model: String
            let space: String
            let runtime: String
            let checks: [SelfCheck]
        }
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
        encoder.keyEncodingStrategy = .convertToSnakeCase
        return try encoder.encode(
            Report(
                passed: checks.allSatisfy(\.passed), device: device, ios: ios, model: manifest.model,
                space: manifest.space, runtime: "Core ML", checks: checks))
    }
}

private func milliseconds<T>(_ work: () async throws -> T) async rethrows -> (T, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let made = try await work()
    let spent = start.duration(to: clock.now).components
    return (made, Double(spent.seconds) * 1e3 + Double(spent.attoseconds) / 1e15)
}

/// -1 for embeddings of another width, or of no length.
private func cosine(_ one: [Float], _ other: [Float]) -> Double {
    func product(_ one: [Float], _ other: [Float]) -> Double {
        zip(one, other).reduce(0) { $0 + Double($1.0) * Double($1.1) }
    }
    let lengths = (product(one, one) * product(other, other)).squareRoot()
    return one.count == other.count && lengths > 0 ? product(one, other) / lengths : -1
}
