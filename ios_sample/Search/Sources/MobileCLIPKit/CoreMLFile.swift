#if canImport(CoreML)
    @preconcurrency import CoreML
    import Foundation
    import MobileCLIPSearch

    /// A package on disk, and how it becomes a model.
    struct CoreMLFile: Sendable {
        let file: URL
        let space: String
        let dim: Int
        let artifact: ModelManifest.Artifact?
        let computeUnits: MLComputeUnits
        let system: Int?
        let caches: URL

        /// Throws ``SearchError``.
        func load() async throws -> LoadedModel {
            try checkSystem()
            guard FileManager.default.fileExists(atPath: file.path) else {
                throw SearchError.missingFile(name: file.path, problem: "there is no such encoder")
            }
            let model = try await file.pathExtension == "mlpackage" ? compiled() : loaded(file)
            let own = (model.modelDescription.metadata[.creatorDefinedKey] as? [String: String])?["space"]
            guard own == space else {
                throw SearchError.mismatch(
                    name: file.path,
                    problem: "the encoder is of another embedding space: its own is \(own ?? "not named"), "
                        + "the manifest's is \(space)")
            }
            return LoadedModel(model: model, name: file.path, dim: dim)
        }

        private func checkSystem() throws {
            guard let system, let least = artifact?.minimumIOS, system < least else { return }
            throw SearchError.mismatch(
                name: file.path, problem: "the encoder needs iOS \(least) or what goes with it, and this is \(system)")
        }

        private func loaded(_ compiled: URL) async throws -> MLModel {
            let configuration = MLModelConfiguration()
            configuration.computeUnits = computeUnits
            do {
                return try await MLModel.load(contentsOf: compiled, configuration: configuration)
            } catch {
                throw unloadable(file, error)
            }
        }

        /// From the compiled model that is kept under the package's digest; one that cannot be loaded is made anew.
        private func compiled() async throws -> MLModel {
            guard let artifact else { return try await compiledOnce() }
            let folder = caches.appendingPathComponent("MobileCLIPSearch", isDirectory: true)
            let kept = folder.appendingPathComponent("\(artifact.sha256).mlmodelc", isDirectory: true)
            if FileManager.default.fileExists(atPath: kept.path), let model = try? await loaded(kept) { return model }
            let fresh = try await compiledPackage(file)
            do {
                try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
                try? FileManager.default.removeItem(at: kept)
                try FileManager.default.moveItem(at: fresh, to: kept)
            } catch {  // no room, say: it is compiled anew the next time
                return try await loadedAndRemoved(fresh)
            }
            return try await loaded(kept)
        }

        private func compiledOnce() async throws -> MLModel { try await loadedAndRemoved(compiledPackage(file)) }

        private func loadedAndRemoved(_ compiled: URL) async throws -> MLModel {
            defer { try? FileManager.default.removeItem(at: compiled) }
            return try await loaded(compiled)
        }
    }

    /// Compiles an `.mlpackage` on this device, into the folder of temporary files, from where the caller removes it. An app
    /// needs this only to hold the bytes of a package to its answers: ``CoreMLEncoder`` takes packages as they are.
    public func compiledPackage(_ file: URL) async throws -> URL {
        do {
            return try await MLModel.compileModel(at: file)
        } catch {
            throw unloadable(file, error)
        }
    }

    private func unloadable(_ file: URL, _ error: any Error) -> any Error {
        if error is CancellationError { return error }
        return SearchError.badFile(name: file.path, problem: "Core ML cannot load it: \(error.localizedDescription)")
    }

    /// A model in memory. Its predictions may be asked for on any thread.
    struct LoadedModel: @unchecked Sendable {
        private static let output = "embedding"  // FORMATS.md, Encoders

        let model: MLModel
        let name: String
        let dim: Int

        /// By Core ML's asynchronous call, which blocks no thread.
        func embedding(_ input: () throws -> CoreMLPackage.Input) async throws -> [Float] {
            do {
                return try embedding(of: await model.prediction(from: try Self.provider(input())))
            } catch {
                throw failure(error)
            }
        }

        func embeddings(count: Int, _ input: (Int) throws -> CoreMLPackage.Input) async throws -> [[Float]] {
            do {
                let batch = MLArrayBatchProvider(array: try (0..<count).map { try Self.provider(input($0)) })
                let answers = try model.predictions(fromBatch: batch)
                return try (0..<answers.count).map { try embedding(of: answers.features(at: $0)) }
            } catch {
                throw failure(error)
            }
        }

        private static func provider(_ input: CoreMLPackage.Input) throws -> MLDictionaryFeatureProvider {
            try MLDictionaryFeatureProvider(dictionary: [input.name: input.value])
        }

        private func embedding(of features: any MLFeatureProvider) throws -> [Float] {
            let values = features.featureValue(for: Self.output)?.shapedArrayValue(of: Float.self)?.scalars
            guard let values, values.count == dim else {
                throw SearchError.encoderFailed(
                    name: name,
                    problem: "its answer '\(Self.output)' has \(values?.count ?? 0) numbers, expected \(dim)")
            }
            return values
        }

        private func failure(_ error: any Error) -> any Error {
            if error is SearchError || error is CancellationError { return error }
            return SearchError.encoderFailed(name: name, problem: error.localizedDescription)
        }
    }
#endif
