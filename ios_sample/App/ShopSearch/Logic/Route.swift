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

    /// To come back from after the process has ended.
    var saved: Data? {
        get { try? JSONEncoder().encode(path) }
        set { path = newValue.flatMap { try? JSONDecoder().decode([Route].self, from: $0) } ?? path }
    }

    /// Shows a link's screen; a link that means nothing changes nothing.
    func open(_ link: URL) {
        if let route = Route(link) { path = [route] }
    }
}
