import Foundation

/// A label, and how probable it is that an image shows it: rather than one of the others, or, by a sigmoid, at all.
public struct LabelScore: Sendable, Equatable {
    /// As it was given.
    public let name: String
    /// 0 to 1; by a softmax, those of all labels sum to 1.
    public let probability: Double
}

/// Zero-shot labels: what an image shows, of names that a model was never trained to tell apart. In float64 throughout.
enum Labels {
    /// The vector of a label, from the embeddings of its filled templates: each made of unit length, then averaged, then
    /// made of unit length.
    static func vector(_ embeddings: [[Float]]) throws -> [Double] {
        guard let first = embeddings.first else { throw SearchError.badRequest("a label without templates") }
        var sum = [Double](repeating: 0, count: first.count)
        for embedding in embeddings {
            try require(embedding.count == first.count, "vectors of \(embedding.count) and of \(first.count) numbers")
            let one = try unit(embedding.map(Double.init))
            for index in sum.indices { sum[index] += one[index] }
        }
        return try unit(sum.map { $0 / Double(embeddings.count) })
    }

    /// From `logitScale` times the cosines of `image` with each label's vector, to which a sigmoid adds `bias`; best first,
    /// equal ones in the order of `names`.
    static func scores(
        _ names: [String], _ vectors: [[Double]], image: [Float], logitScale: Double,
        by shares: ModelManifest.LabelShares = .softmax, bias: Double = 0
    ) throws -> [LabelScore] {
        let image = try unit(image.map(Double.init))
        let logits = try vectors.map { vector in
            try require(vector.count == image.count, "vectors of \(vector.count) and of \(image.count) numbers")
            return logitScale * zip(vector, image).reduce(0) { $0 + $1.0 * $1.1 }
        }
        let probabilities =
            switch shares {
            case .softmax: softmax(logits)
            case .sigmoid: logits.map { 1 / (1 + exp(-($0 + bias))) }
            }
        return zip(names, probabilities).map { LabelScore(name: $0, probability: $1) }.enumerated()
            .sorted { ($1.element.probability, $0.offset) < ($0.element.probability, $1.offset) }
            .map(\.element)
    }

    private static func softmax(_ logits: [Double]) -> [Double] {
        let largest = logits.max() ?? 0
        let powers = logits.map { exp($0 - largest) }
        let sum = powers.reduce(0, +)
        return powers.map { $0 / sum }
    }

    private static func unit(_ vector: [Double]) throws -> [Double] {
        let length = vector.reduce(0) { $0 + $1 * $1 }.squareRoot()
        try require(length > 0 && length.isFinite, "a vector of zeros, or with a number that is not finite")
        return vector.map { $0 / length }
    }
}
