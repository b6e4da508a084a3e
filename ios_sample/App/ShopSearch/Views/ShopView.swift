import MobileCLIPShop
import SwiftUI

/// The whole app: the search screen, and what is pushed onto it.
struct ShopView: View {
    let keeper: ShopKeeper
    @State private var navigation = Navigation()
    @SceneStorage("path") private var saved: Data?
    @Environment(\.scenePhase) private var phase

    var body: some View {
        NavigationStack(path: $navigation.path) {
            SearchScreen(title: Text("Shop search"), key: "question", model: SearchModel(keeper))
                .toolbar {
                    NavigationLink(value: Route.staff) { Label("Add a product", systemImage: "plus") }
                }
                .navigationDestination(for: Route.self) { screen($0) }
        }
        .environment(keeper)
        .environment(navigation)
        .onAppear { navigation.start(from: saved) }
        .onChange(of: phase) { saved = navigation.saved }
        .onChange(of: keeper.wanted, initial: true) {
            if let wanted = keeper.wanted { navigation.show(.details(id: wanted)) }
            keeper.wanted = nil
        }
        .onOpenURL { navigation.open($0) }
        .onContinueUserActivity(Route.activity) { activity in
            if let id = activity.userInfo?["id"] as? String { navigation.show(.details(id: id)) }
        }
    }

    @ViewBuilder private func screen(_ route: Route) -> some View {
        switch route {
        case .details(let id, let match):
            DetailsScreen(id: id, match: match)
        case .like(let id, let name):
            SearchScreen(
                title: name.isEmpty ? Text("More like this") : Text("Like \(name)"), key: "like.\(id)",
                model: SearchModel(keeper, question: ShopQuestion(like: id)))
        case .staff:
            StaffScreen()
        case .selfCheck:
            SelfCheckScreen()
        }
    }
}
