import Foundation
import Testing

@testable import ShopSearch

@MainActor
struct RouteTests {
    @Test(arguments: [
        ("shopsearch://product/a%2Fb%20c", Route.details(id: "a/b c")),
        ("shopsearch://product/%E7%B4%85", .details(id: "紅")),
        ("shopsearch://like/7", .like(id: "7", name: "")), ("shopsearch://self-check", .selfCheck),
    ])
    func aLinkOpensAScreen(link: String, route: Route) throws {
        #expect(Route(try #require(URL(string: link))) == route)
    }

    @Test(arguments: [
        "shopsearch://product/", "shopsearch://staff", "shopsearch://", "https://product/7", "shopsearch:product/7",
    ])
    func anyOtherLinkChangesNothing(link: String) throws {
        let navigation = Navigation()
        navigation.path = [.staff]
        navigation.open(try #require(URL(string: link)))
        #expect(navigation.path == [.staff])
    }

    @Test func theScreensComeBackAfterTheProcessHasEnded() {
        let navigation = Navigation()
        navigation.path = [.details(id: "7", match: nil), .like(id: "7", name: "Hat 紅"), .staff, .selfCheck]
        let again = Navigation()
        again.start(from: navigation.saved)
        #expect(again.path == navigation.path && !again.path.isEmpty)
        again.path = []
        again.start(from: navigation.saved)
        #expect(again.path.isEmpty)
        for saved in [Data("no JSON".utf8), nil] {
            let damaged = Navigation()
            damaged.start(from: saved)
            #expect(damaged.path.isEmpty)
        }
    }

    @Test func aLinkThatStartedTheAppIsNotLaidAside() throws {
        let before = Navigation()
        before.path = [.staff]
        let navigation = Navigation()
        navigation.open(try #require(URL(string: "shopsearch://product/7")))
        navigation.start(from: before.saved)
        #expect(navigation.path == [.details(id: "7")])
    }
}
