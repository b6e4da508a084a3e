import Foundation
import MobileCLIPSearch
import Observation

/// A search screen's question and state. Of several questions only the last one's answer is shown.
@MainActor @Observable
final class SearchModel {
    /// Changed by the views, which then ``ask()``.
    var question: Question
    private(set) var categories: [String] = []
    private var answer = SearchState.idle
    private let keeper: ShopKeeper
    @ObservationIgnored private var running: Task<Void, Never>?

    init(_ keeper: ShopKeeper, question: Question = Question()) {
        self.keeper = keeper
        self.question = question
    }

    var state: SearchState { answer == .searching && keeper.isPreparing ? .preparing : answer }

    /// Opens the shop, so that its categories can be shown, and asks what there is to ask. Once: a screen may come back.
    func start() {
        if running == nil { ask() }
    }

    /// Searches for ``question``, instead of what was asked before.
    func ask() {
        begin(question.isEmpty ? .idle : .searching) { try await $0.find($1) }
    }

    /// Searches for what was typed.
    func submit() {
        question.like = nil
        ask()
    }

    /// Reads a picture by `read`, to which the encoder's side in pixels is given, and searches with it.
    func choose(_ read: @escaping @Sendable (_ size: Int) async throws -> RGBImage) {
        begin(.searching) { model, shop in
            let picture = try await read(shop.manifest.preprocessor.size)
            try Task.checkCancellation()
            model.question.picture = picture
            model.question.like = nil
            try await model.find(shop)
        }
    }

    private func begin(_ first: SearchState, _ work: @escaping @MainActor (SearchModel, Shop) async throws -> Void) {
        running?.cancel()
        answer = first
        running = Task {
            do {
                let shop = try await keeper.shop()
                categories = shop.catalog.categories
                try await work(self, shop)
            } catch {
                if !Task.isCancelled { answer = .failed(error.localizedDescription) }
            }
        }
    }

    private func find(_ shop: Shop) async throws {
        if question.isEmpty { return }
        let unknown = WritingSystems.unknown(in: question.words, known: shop.manifest.text.scripts)
        let (certain, doubtful) = try await shop.find(question, locale: .current)
        try Task.checkCancellation()
        let isEmpty = certain.isEmpty && doubtful.isEmpty
        answer = isEmpty ? .nothing(unknown: unknown) : .found(certain, doubtful: doubtful, unknown: unknown)
    }
}
