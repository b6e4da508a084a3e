import MobileCLIPShop
import SwiftUI

@main
struct ShopSearchApp: App {
    private let memoryWarnings = NotificationCenter.default.publisher(
        for: UIApplication.didReceiveMemoryWarningNotification)

    var body: some Scene {
        WindowGroup {
            ShopView(keeper: .shared)
                .onReceive(memoryWarnings) { _ in Task { await ShopKeeper.shared.release() } }
        }
    }
}
