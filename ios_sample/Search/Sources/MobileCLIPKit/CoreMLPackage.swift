#if canImport(CoreML)
    @preconcurrency import CoreML
    import Foundation
    import MobileCLIPSearch

    /// One encoder as a Core ML package: loaded on first use (the first time on a device takes seconds), released when
    /// asked. Predictions happen on this actor, one after the other.
    actor CoreMLPackage {
        private struct Loaded: @unchecked Sendable {  // a model's predictions may be asked for on any thread
            let model: MLModel
        }

        private static let output = "embedding"  // FORMATS.md, Encoders

        private let file: URL
        private let space: String
        private let dim: Int
        private let computeUnits: MLComputeUnits
        private let onChange: @Sendable (CoreMLEncoder.State) -> Void
        private var loading: Task<Loaded, any Error>?

        /// `file`: a compiled model (`.mlmodelc`, what Xcode puts into an app), or an `.mlpackage`, which is compiled first,
        /// into a temporary folder. `space` and `dim`: the manifest's. `onChange` is told of every change of state.
        init(
            _ file: URL, space: String, dim: Int, computeUnits: MLComputeUnits,
            onChange: @escaping @Sendable (CoreMLEncoder.State) -> Void
        ) {
            self.file = file
            self.space = space
            self.dim = dim
            self.computeUnits = computeUnits
            self.onChange = onChange
        }

        /// Loads the package if it is not there yet.
        ///
        /// Throws ``SearchError/badFile(name:problem:)`` if it cannot be loaded or is of another embedding space.
        func prepare() async throws {
            _ = try await model()
        }

        /// Gives the memory back; the next use loads the package again.
        func release() {
            loading = nil
            onChange(.released)
        }

        /// The embeddings of some inputs, in their order; each names the encoder's input and its value.
        func embed(_ inputs: [(name: String, value: MLFeatureValue)]) async throws -> [[Float]] {
            try predictions(of: try await model(), inputs)
        }

        private func model() async throws -> MLModel {
            if let loading { return try await loading.value.model }
            onChange(.preparing)
            let task = Task { [file, space, computeUnits] in
                Loaded(model: try await Self.load(file, space: space, computeUnits))
            }
            loading = task
            do {
                let model = try await task.value.model
                if loading == task { onChange(.ready) }  // not released meanwhile
                return model
            } catch {
                if loading == task { release() }
                throw error
            }
        }

        private static func load(_ file: URL, space: String, _ computeUnits: MLComputeUnits) async throws -> MLModel {
            let model: MLModel
            do {
                let compiled = file.pathExtension == "mlpackage" ? try await MLModel.compileModel(at: file) : file
                let configuration = MLModelConfiguration()
                configuration.computeUnits = computeUnits
                model = try await MLModel.load(contentsOf: compiled, configuration: configuration)
            } catch {
                throw SearchError.badFile(
                    name: file.path, problem: "Core ML cannot load it: \(error.localizedDescription)")
            }
            let own = (model.modelDescription.metadata[.creatorDefinedKey] as? [String: String])?["space"]
            guard own == space else {
                throw SearchError.badFile(
                    name: file.path,
                    problem: "the encoder is of another embedding space: its own is \(own ?? "not named"), "
                        + "the manifest's is \(space)")
            }
            return model
        }

        /// Not asynchronous, so that Core ML's own blocking calls are meant: this actor is the queue.
        private func predictions(
            of model: MLModel, _ inputs: [(name: String, value: MLFeatureValue)]
        ) throws -> [[Float]] {
            do {
                let providers = try inputs.map { try MLDictionaryFeatureProvider(dictionary: [$0.name: $0.value]) }
                let answers = try model.predictions(fromBatch: MLArrayBatchProvider(array: providers))
                return try (0..<answers.count).map { try embedding(answers.features(at: $0)) }
            } catch let error as SearchError {
                throw error
            } catch {
                throw SearchError.encoderFailed(name: file.path, problem: error.localizedDescription)
            }
        }

        private func embedding(_ features: any MLFeatureProvider) throws -> [Float] {
            let values = features.featureValue(for: Self.output)?.shapedArrayValue(of: Float.self)?.scalars
            guard let values, values.count == dim else {
                throw SearchError.encoderFailed(
                    name: file.path,
                    problem: "its answer '\(Self.output)' has \(values?.count ?? 0) numbers, expected \(dim)")
            }
            return values
        }
    }
#endif
