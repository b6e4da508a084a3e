import Foundation
import MobileCLIPShop
import Observation

/// A screen to be pushed, by the shop's own ids: a catalog's places change with each update.
enum Route: Codable, Hashable, Sendable {
    /// Of a product that was looked at; also in `NSUserActivityTypes`.
    static let activity = "com.example.ShopSearch.product"

    case details(id: String, match: ShopCard.Match? = nil)
    /// Products like this one.
    case like(id: String, name: String)
    case staff
    case selfCheck

    /// Of `shopsearch://product/ID`, `shopsearch://like/ID`, `shopsearch://self-check`; nil for any other.
    init?(_ link: URL) {
        guard link.scheme == "shopsearch", let parts = URLComponents(url: link, resolvingAgainstBaseURL: false) else {
            return nil
        }
        let id = String(parts.path.dropFirst())
        switch (parts.host, id.isEmpty) {
        case ("product", false): self = .details(id: id)
        case ("like", false): self = .like(id: id, name: "")
        case ("self-check", true): self = .selfCheck
        default: return nil
        }
    }
}

/// The screens that lie over the search screen of one window.
@MainActor @Observable
final class Navigation {
    var path: [Route] = []

    @ObservationIgnored private var isStarted = false

    /// The screens, to be given to ``start(from:)`` after the process has ended.
    var saved: Data? { try? JSONEncoder().encode(path) }

    /// Shows the screens that were `saved`. Once, and not where another was asked for before.
    func start(from saved: Data?) {
        if !isStarted { path = saved.flatMap { try? JSONDecoder().decode([Route].self, from: $0) } ?? path }
        isStarted = true
    }

    /// Shows this screen alone.
    func show(_ route: Route) {
        (path, isStarted) = ([route], true)
    }

    /// Shows a link's screen; a link that means nothing changes nothing.
    func open(_ link: URL) {
        if let route = Route(link) { show(route) }
    }
}
