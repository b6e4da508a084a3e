import CoreVideo
import Foundation

// The bodies count: MobileCLIPKit itself runs over them (tests/test_ios_search.py). A package is a folder with a file
// `space`; its embeddings have the length of `CoreMLCounts.dim`, and begin with the input's number.

/// What was asked of Core ML.
public final class CoreMLCounts: @unchecked Sendable {
    public static let shared = CoreMLCounts()
    public static let dim = 4

    private let lock = NSLock()
    private var counts = Counts()

    public struct Counts: Sendable {
        public var compilations = 0
        public var loads = 0
        public var loading = 0
        public var mostLoading = 0
        public var alive = 0
        public var mostAlive = 0
        public var batches: [Int] = []
        public var predictions = 0
        public var units: [MLComputeUnits] = []
    }

    public var now: Counts { lock.withLock { counts } }
    public func change(_ body: (inout Counts) -> Void) { lock.withLock { body(&counts) } }
    public func reset() { change { $0 = Counts(alive: $0.alive, mostAlive: $0.alive) } }
}

public enum MLComputeUnits: Int, Sendable {
    case cpuOnly
    case cpuAndGPU
    case all
    case cpuAndNeuralEngine
}

public final class MLModelConfiguration {
    public var computeUnits = MLComputeUnits.all
    public init() {}
}

public struct MLModelMetadataKey: Hashable, Sendable {
    public static let creatorDefinedKey = MLModelMetadataKey()
}

public final class MLModelDescription {
    public let metadata: [MLModelMetadataKey: Any]
    init(_ metadata: [MLModelMetadataKey: Any]) { self.metadata = metadata }
}

public struct MLShapedArray<Scalar: Sendable>: Sendable {
    public let scalars: [Scalar]
    public init(scalars: some Sequence<Scalar>, shape: [Int]) { self.scalars = Array(scalars) }
}

public final class MLFeatureValue {
    let number: Float
    let array: [Float]
    public init(pixelBuffer: CVPixelBuffer) {
        number = CVPixelBufferGetBaseAddress(pixelBuffer).map { Float($0.load(as: UInt8.self)) } ?? 0
        array = []
    }
    public init(shapedArray: MLShapedArray<Int32>) {
        number = shapedArray.scalars.first.map { Float($0) } ?? 0
        array = []
    }
    init(array: [Float]) {
        number = 0
        self.array = array
    }
    public func shapedArrayValue<Scalar>(of: Scalar.Type) -> MLShapedArray<Scalar>? {
        MLShapedArray(scalars: array.compactMap { $0 as? Scalar }, shape: [1, array.count])
    }
}

public protocol MLFeatureProvider {
    func featureValue(for name: String) -> MLFeatureValue?
}

public final class MLDictionaryFeatureProvider: MLFeatureProvider {
    let values: [String: MLFeatureValue]
    public init(dictionary: [String: Any]) throws {
        values = dictionary.compactMapValues { $0 as? MLFeatureValue }
    }
    public func featureValue(for name: String) -> MLFeatureValue? { values[name] }
}

public protocol MLBatchProvider {
    var count: Int { get }
    func features(at index: Int) -> any MLFeatureProvider
}

public final class MLArrayBatchProvider: MLBatchProvider {
    let array: [any MLFeatureProvider]
    public init(array: [any MLFeatureProvider]) { self.array = array }
    public var count: Int { array.count }
    public func features(at index: Int) -> any MLFeatureProvider { array[index] }
}

public final class MLPredictionOptions {
    public init() {}
}

/// Not Sendable, which is more than Apple's documents promise, and the stricter check.
public final class MLModel {
    public let modelDescription: MLModelDescription

    private init(space: String) {
        modelDescription = MLModelDescription([.creatorDefinedKey: ["space": space]])
        CoreMLCounts.shared.change {
            $0.alive += 1
            $0.mostAlive = max($0.mostAlive, $0.alive)
        }
    }

    deinit { CoreMLCounts.shared.change { $0.alive -= 1 } }

    public static func compileModel(at file: URL) async throws -> URL {
        CoreMLCounts.shared.change { $0.compilations += 1 }
        let compiled = FileManager.default.temporaryDirectory.appendingPathComponent("\(UUID().uuidString).mlmodelc")
        try FileManager.default.copyItem(at: file, to: compiled)
        return compiled
    }

    public static func load(contentsOf file: URL, configuration: MLModelConfiguration) async throws -> MLModel {
        CoreMLCounts.shared.change {
            $0.loads += 1
            $0.loading += 1
            $0.mostLoading = max($0.mostLoading, $0.loading)
            $0.units.append(configuration.computeUnits)
        }
        defer { CoreMLCounts.shared.change { $0.loading -= 1 } }
        try await Task.sleep(for: .milliseconds(100))
        let space = try String(contentsOf: file.appendingPathComponent("space"), encoding: .utf8)
        return MLModel(space: space)
    }

    public func prediction(
        from input: any MLFeatureProvider, options: MLPredictionOptions = MLPredictionOptions()
    ) async throws -> any MLFeatureProvider {
        CoreMLCounts.shared.change { $0.predictions += 1 }
        return try Self.answer(input)
    }

    public func predictions(fromBatch batch: any MLBatchProvider) throws -> any MLBatchProvider {
        CoreMLCounts.shared.change { $0.batches.append(batch.count) }
        return MLArrayBatchProvider(array: try (0..<batch.count).map { try Self.answer(batch.features(at: $0)) })
    }

    private static func answer(_ input: any MLFeatureProvider) throws -> any MLFeatureProvider {
        let number = (input.featureValue(for: "image") ?? input.featureValue(for: "token_ids"))?.number ?? -1
        let embedding = [number] + [Float](repeating: 1, count: CoreMLCounts.dim - 1)
        return try MLDictionaryFeatureProvider(dictionary: ["embedding": MLFeatureValue(array: embedding)])
    }
}
