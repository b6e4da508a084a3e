import Foundation
import MobileCLIPSearch

/// How near this device's encoders come to float32 PyTorch on one kind of processors: golden inputs enter, figures leave.
/// One of the `checks` in a ``Proof``.
public struct SelfCheck: Encodable, Equatable, Sendable {
    /// Of one of the two encoders, over all of its golden inputs.
    public struct Encoder: Encodable, Equatable, Sendable {
        public let encoder: String
        public let precision: String
        public let sha256: String
        /// How many golden inputs.
        public let count: Int
        public let leastCosine: Double
        /// The largest difference of a component.
        public let maxAbs: Double
        public let loadMs: Double
        public let medianMs: Double

        /// By the cosine alone.
        var passed: Bool { leastCosine >= least[precision] ?? leastCompressed }
    }

    /// What a manifest says of an encoder, or what was computed on the device.
    public struct File: Sendable {
        let precision: String
        let sha256: String

        public init(precision: String, sha256: String) {
            (self.precision, self.sha256) = (precision, sha256)
        }

        /// The manifest's own words.
        public init(_ artifact: ModelManifest.Artifact) {
            self.init(precision: artifact.precision, sha256: artifact.sha256)
        }
    }

    private enum CodingKeys: CodingKey { case compute, error, encoders }

    /// The processors, by the caller's name for them.
    public let compute: String
    /// Why nothing ran, in one line; nil where all did.
    public let error: String?
    public let encoders: [Encoder]

    /// Whether each encoder ran and each cosine is large enough; `make prove` judges.
    public var passed: Bool { error == nil && encoders.allSatisfy(\.passed) }

    /// By precision: the gate's own (`parity/gate/tolerances.toml`).
    static let least = ["fp32": 0.999999, "fp16": 0.9999]
    static let leastCompressed = 0.98

    /// `files`: what `encoder` was made from, for both parts.
    public static func run(
        compute: String, _ goldens: GoldenEmbeddings, tokenizer: any TextTokenizer, encoder: any EmbeddingEncoder,
        files: [EncoderPart: File]
    ) async -> SelfCheck {
        func figures<Golden>(
            _ part: EncoderPart, _ inputs: [Golden], _ expected: (Golden) -> [Double],
            _ answer: (Golden) async throws -> ([Float], Double)
        ) async throws -> Encoder {
            guard let file = files[part] else { throw SearchError.badRequest("no \(part) encoder is named") }
            let (_, loading) = try await milliseconds { try await encoder.prepare(part) }
            var (cosine, maxAbs, times) = (1.0, 0.0, [Double]())
            for input in inputs {
                let (found, time) = try await answer(input)
                let (one, difference) = closeness(found, expected(input))
                (cosine, maxAbs) = (min(cosine, one), max(maxAbs, difference))
                times.append(time)
            }
            return Encoder(
                encoder: "\(part)", precision: file.precision, sha256: file.sha256, count: inputs.count,
                leastCosine: cosine, maxAbs: maxAbs, loadMs: loading, medianMs: times.sorted()[times.count / 2])
        }
        do {
            let text = try await figures(.text, goldens.texts, \.embedding) { golden in
                let ids = try tokenizer.encode(golden.text)
                return try await milliseconds { try await encoder.text(ids) }
            }
            let image = try await figures(.image, goldens.pictures, \.embedding) { golden in
                let square = try goldens.square(golden)
                return try await milliseconds { try await encoder.image(square) }
            }
            return SelfCheck(compute: compute, error: nil, encoders: [text, image])
        } catch {
            return SelfCheck(compute: compute, error: inOneLine(error), encoders: [])
        }
    }

    /// With `error`: null where there is none.
    public func encode(to encoder: any Swift.Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(compute, forKey: .compute)
        try container.encode(error, forKey: .error)
        try container.encode(encoders, forKey: .encoders)
    }
}

/// For developers.
func inOneLine(_ error: any Error) -> String {
    "\(error)".split(whereSeparator: \.isNewline).joined(separator: " ")
}

private func milliseconds<T>(_ work: () async throws -> T) async rethrows -> (T, Double) {
    let clock = ContinuousClock()
    let start = clock.now
    let made = try await work()
    let spent = start.duration(to: clock.now).components
    return (made, Double(spent.seconds) * 1e3 + Double(spent.attoseconds) / 1e15)
}

/// The cosine, and the largest difference of a component. Of what is no embedding -1 and 2, as far as two embeddings can be:
/// JSON has no NaN.
private func closeness(_ found: [Float], _ golden: [Double]) -> (cosine: Double, maxAbs: Double) {
    let found = found.map(Double.init)
    func product(_ one: [Double], _ other: [Double]) -> Double { zip(one, other).reduce(0) { $0 + $1.0 * $1.1 } }
    let cosine = product(found, golden) / (product(found, found) * product(golden, golden)).squareRoot()
    guard found.count == golden.count, cosine.isFinite else { return (-1, 2) }
    return (cosine, zip(found, golden).reduce(0) { max($0, abs($1.0 - $1.1)) })
}
