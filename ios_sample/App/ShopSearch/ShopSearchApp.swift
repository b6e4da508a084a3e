import SwiftUI

@main
struct ShopSearchApp: App {
    @State private var keeper = ShopKeeper(open: openShop)
    private let memoryWarnings = NotificationCenter.default.publisher(
        for: UIApplication.didReceiveMemoryWarningNotification)

    var body: some Scene {
        WindowGroup {
            ShopView(keeper: keeper)
                .onReceive(memoryWarnings) { _ in Task { await keeper.release() } }
        }
    }
}
