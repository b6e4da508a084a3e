import Foundation
import MobileCLIPSearch
import Observation

/// What the screens share: the shop, opened once, and whether its encoders are being loaded.
@MainActor @Observable
public final class ShopKeeper {
    /// What is shown of products that happens in the app; for its own statistics. None of it leaves the device by itself.
    public enum Event: Sendable {
        case searched(SearchEvent)
        /// A product was looked at that stood at `place` of what was found, 0 first.
        case chose(id: String, place: Int)
    }

    /// What an opener tells of.
    public enum News: Sendable {
        /// An encoder starts and ends being loaded.
        case preparing(Bool)
        case searched(SearchEvent)
    }

    /// Opens the shop, off the main thread.
    public typealias Opener = @Sendable (_ tell: @escaping @Sendable (News) -> Void) throws -> Shop

    public private(set) var isPreparing = false
    /// The id of a product that was asked for from outside the screens: by an intent.
    public var wanted: String?
    @ObservationIgnored public var onEvent: (Event) -> Void = { _ in }
    private let open: Opener
    @ObservationIgnored private var opening: Task<Shop, any Error>?

    public init(open: @escaping Opener) {
        self.open = open
    }

    /// The shop; opened anew where that failed before.
    public func shop() async throws -> Shop {
        let task = opening ?? opened()
        opening = task
        do {
            return try await task.value
        } catch {
            if opening == task { opening = nil }
            throw error
        }
    }

    /// Asks for the shop's catalog of today, and has it searched from then on. Where other encoders come with it, a shop over
    /// both takes the old one's place once they have loaded; what runs ends in the old one. An app calls it when it wants: at
    /// the start, or once a day.
    ///
    /// Throws what ``Shop/update()`` throws, and why encoders did not load: then that update was given up.
    @discardableResult
    public func update() async throws -> UpdateOutcome {
        let shop = try await shop()
        let outcome = try await shop.update()
        guard let new = await shop.updates?.inForce, new.encoders != shop.encoders else { return outcome }
        let (renewed, problem) = try await shop.renewed(new, loaded: true)
        try? await renewed.layStaffOver()
        opening = Task<Shop, any Error> { renewed }
        if let problem { throw problem }
        return outcome
    }

    /// What `work` answers, or why not.
    public func result<T: Sendable>(
        _ work: @Sendable (Shop) async throws -> T
    ) async -> Result<T, ShopProblem> {
        do {
            return .success(try await work(shop()))
        } catch {
            return .failure(ShopProblem(error))
        }
    }

    /// Gives the encoders' memory back; the next search loads them again. For a memory warning, at any time.
    public func release() async {
        try? await opening?.value.searcher.release()
    }

    private func opened() -> Task<Shop, any Error> {
        let tell: @Sendable (News) -> Void = { [weak self] news in
            Task { @MainActor in self?.hear(news) }
        }
        return Task.detached { [open] in
            var shop = try open(tell)
            if let start = shop.updates?.start, start.encoders != nil {
                shop = (try? await shop.renewed(start, loaded: false).shop) ?? shop
            }
            try? await shop.layStaffOver()
            return shop
        }
    }

    private func hear(_ news: News) {
        switch news {
        case .preparing(let isPreparing): self.isPreparing = isPreparing
        case .searched(let event): onEvent(.searched(event))
        }
    }
}
