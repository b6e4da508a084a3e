#if canImport(CoreML)
    @preconcurrency import CoreML
    import Foundation
    import MobileCLIPSearch

    /// One encoder as a Core ML package: loaded on first use (the first time on a device takes seconds), released when
    /// asked. There is one model in memory at most.
    actor CoreMLPackage {
        /// What an encoder takes: its input's name, and the value.
        typealias Input = (name: String, value: MLFeatureValue)

        private let file: CoreMLFile
        private let turns: Turns
        private let onChange: @Sendable (CoreMLEncoder.State) -> Void
        private var loading: Task<LoadedModel, any Error>?
        private var users = 0  // of the model that is there or being loaded
        private var isLeaving = false  // asked to go when the last user is done

        /// `file`: a compiled model (`.mlmodelc`, what Xcode puts into an app), or an `.mlpackage`. `artifact`: what the
        /// manifest says of it, if anything. `system`: the iOS that it must run on; nil where none is known. `caches`: where
        /// the compiled package is kept. `turns`: of all that are loaded. `onChange` is told of every change of state.
        init(
            _ file: URL, manifest: ModelManifest, artifact: ModelManifest.Artifact?, computeUnits: MLComputeUnits,
            system: Int?, caches: URL, turns: Turns, onChange: @escaping @Sendable (CoreMLEncoder.State) -> Void
        ) {
            self.file = CoreMLFile(
                file: file, space: manifest.space, dim: manifest.dim, artifact: artifact, computeUnits: computeUnits,
                system: system, caches: caches)
            self.turns = turns
            self.onChange = onChange
        }

        /// Loads the package if it is not there yet.
        ///
        /// Throws ``SearchError`` if it cannot be loaded, wants a later system, or is of another embedding space.
        func prepare() async throws {
            _ = try await using { _ in }
        }

        /// Gives the memory back, once what is being loaded is there and nobody uses it; the next use loads it again.
        func release() async {
            guard let loading else { return }
            isLeaving = true
            users += 1  // so that nobody drops it twice
            _ = try? await loading.value
            leave()
        }

        /// The embedding of one input.
        func embed(_ input: @Sendable () throws -> Input) async throws -> [Float] {
            try await using { try await $0.embedding(input) }
        }

        /// The embeddings of `count` inputs, in their order, in one batch.
        func embed(count: Int, _ input: @Sendable (Int) throws -> Input) async throws -> [[Float]] {
            try await using { try await $0.embeddings(count: count, input) }
        }

        private func using<Answer: Sendable>(
            _ body: @Sendable (LoadedModel) async throws -> Answer
        ) async throws -> Answer {
            users += 1
            defer { leave() }
            let model = try await model()
            try Task.checkCancellation()
            return try await body(model)
        }

        private func leave() {
            users -= 1
            guard isLeaving, users == 0 else { return }
            isLeaving = false
            loading = nil
            onChange(.released)
        }

        private func model() async throws -> LoadedModel {
            if let loading { return try await loading.value }
            onChange(.preparing)
            let task = Task { [file, turns] in try await turns.run { try await file.load() } }
            loading = task
            do {
                let model = try await task.value
                onChange(.ready)
                return model
            } catch {
                if loading == task {  // the next use tries again
                    loading = nil
                    isLeaving = false
                    onChange(.released)
                }
                throw error
            }
        }
    }

    /// Runs one after the other what it is given.
    actor Turns {
        private var last: Task<Void, Never>?

        func run<Value: Sendable>(_ work: @escaping @Sendable () async throws -> Value) async throws -> Value {
            let task = Task { [last] in
                await last?.value
                return try await work()
            }
            last = Task { _ = await task.result }
            return try await task.value
        }
    }
#endif
