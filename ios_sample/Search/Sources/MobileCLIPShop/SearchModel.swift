import Foundation
import MobileCLIPSearch
import Observation

/// Gives a picture's file; calls `tell` where that takes time.
public typealias PictureLoader = @Sendable (_ tell: @escaping @MainActor (Progress) -> Void) async throws -> Data

/// A search screen's question and state. Of several questions only the last one's answer is shown.
@MainActor @Observable
public final class SearchModel {
    /// Changed by the views, which then ``ask()``.
    public var question: ShopQuestion
    public private(set) var categories: [String] = []
    /// Prices can be filtered in it; empty where they cannot.
    public private(set) var currency = ""
    /// What the words name exactly, shown above the answer and before it is there.
    public private(set) var named: [ShopCard] = []
    private var answer = SearchState.idle
    private var shop: Shop?
    private let keeper: ShopKeeper
    @ObservationIgnored private var running: Task<Void, Never>?
    @ObservationIgnored private var last: (first: SearchState, work: Work)?

    private typealias Work = @MainActor (SearchModel, Shop) async throws -> Void

    public init(_ keeper: ShopKeeper, question: ShopQuestion = ShopQuestion()) {
        self.keeper = keeper
        self.question = question
    }

    public var state: SearchState { answer == .searching && keeper.isPreparing ? .preparing : answer }

    /// The question, to be given to ``start(from:)`` after the process has ended.
    public var saved: Data? { try? JSONEncoder().encode(question) }

    /// Opens the shop, so that its categories can be shown, and asks what there is to ask: what was `saved`, where something
    /// was. Once: a screen may come back.
    public func start(from saved: Data? = nil) {
        guard running == nil else { return }
        question = saved.flatMap { try? JSONDecoder().decode(ShopQuestion.self, from: $0) } ?? question
        ask()
    }

    /// Searches for ``question`` as it is now, instead of what was asked before.
    public func ask() {
        let asked = question
        begin(asked.isEmpty ? .idle : .searching) { try await $0.find(asked, in: $1) }
    }

    /// Searches for what was typed.
    public func submit() {
        question.like = nil
        ask()
    }

    /// Does once more what failed: the same question, the same picture.
    public func retry() {
        if let last { begin(last.first, last.work) }
    }

    /// Searches with the picture that `load` gives, and with the text as it is now.
    public func choose(_ load: @escaping PictureLoader) {
        let asked = question
        begin(.searching) { model, shop in
            let file = try await load { if !Task.isCancelled { model.answer = .fetching($0) } }
            try Task.checkCancellation()
            let picture = try await shop.keep(file)
            if Task.isCancelled { return await shop.forget(picture) }
            let old = model.question.picture
            (model.question.picture, model.question.like, model.answer) = (picture, nil, .searching)
            await shop.forget(old)
            var asked = asked
            (asked.picture, asked.like) = (picture, nil)
            try await model.find(asked, in: shop)
        }
    }

    /// Searches with the part of the picture that is in the box.
    public func crop(_ box: CropBox) {
        question.picture?.box = box
        ask()
    }

    public func removePicture() {
        let picture = question.picture
        question.picture = nil
        let asked = question
        begin(asked.isEmpty ? .idle : .searching) { model, shop in
            await shop.forget(picture)
            try await model.find(asked, in: shop)
        }
    }

    /// Searches with a camera's frame alone, and returns when it is answered; until then the last answer stands.
    public func look(at frame: RGBImage) async {
        begin(answer) { model, shop in
            model.show(try await shop.find(ShopQuestion(), image: frame, locale: .current))
        }
        await running?.value
    }

    /// Loads an encoder ahead: the shopper is about to use it. What fails is said when it is used.
    public func prepare(_ part: EncoderPart) {
        Task { try? await keeper.shop().searcher.prepare([part]) }
    }

    /// A product was chosen, `place` in what was found.
    public func chose(_ card: ShopCard, place: Int) {
        keeper.onEvent(.chose(id: card.id, place: place))
    }

    /// Where the picture's file lies; nil for none.
    public var pictureFile: URL? { question.picture.flatMap { shop?.file($0) } }

    private func begin(_ first: SearchState, _ work: @escaping Work) {
        running?.cancel()
        (answer, named) = (first, [])
        last = (first, work)
        running = Task {
            do {
                let shop = try await keeper.shop()
                self.shop = shop
                (categories, currency) = await (shop.catalog.categories, shop.catalog.currency)
                try await work(self, shop)
            } catch {
                if !Task.isCancelled { answer = .failed(ShopProblem(error)) }
            }
        }
    }

    private func find(_ asked: ShopQuestion, in shop: Shop) async throws {
        if asked.isEmpty { return }
        let unknown = WritingSystems.unknown(in: asked.words, known: shop.manifest.text.scripts)
        let named = try await shop.named(asked, locale: .current)
        try Task.checkCancellation()
        self.named = named
        let found = try await shop.find(asked, locale: .current)
        try Task.checkCancellation()
        show(found, unknown: unknown)
    }

    private func show(_ found: (certain: [ShopCard], doubtful: [ShopCard]), unknown: [String] = []) {
        let isEmpty = found.certain.isEmpty && found.doubtful.isEmpty
        answer =
            isEmpty ? .nothing(unknown: unknown) : .found(found.certain, doubtful: found.doubtful, unknown: unknown)
    }
}
