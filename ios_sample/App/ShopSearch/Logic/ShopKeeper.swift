import Observation

/// What the screens share: the shop, opened once, and whether its encoders are being loaded.
@MainActor @Observable
final class ShopKeeper {
    /// Opens the shop, off the main thread; is to call `tell` when an encoder starts and ends being loaded.
    typealias Opener = @Sendable (_ tell: @escaping @Sendable (_ isPreparing: Bool) -> Void) throws -> Shop

    private(set) var isPreparing = false
    private let open: Opener
    @ObservationIgnored private var opening: Task<Shop, any Error>?

    init(open: @escaping Opener) {
        self.open = open
    }

    /// The shop; opened anew where that failed before.
    func shop() async throws -> Shop {
        let task = opening ?? opened()
        opening = task
        do {
            return try await task.value
        } catch {
            if opening == task { opening = nil }
            throw error
        }
    }

    /// Gives the encoders' memory back; the next search loads them again.
    func release() async {
        try? await opening?.value.encoder.release()
    }

    private func opened() -> Task<Shop, any Error> {
        let tell: @Sendable (Bool) -> Void = { [weak self] isPreparing in
            Task { @MainActor in self?.isPreparing = isPreparing }
        }
        return Task.detached { [open] in try open(tell) }
    }
}
